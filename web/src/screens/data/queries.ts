import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";

export type Table = Schemas["Table"];
export type Asked = { sql: string; parameters: Record<string, unknown>; limit: number };
export type Result = Schemas["QueryResult"];

export const tablesQuery = () =>
  queryOptions({ queryKey: ["tables"], queryFn: () => told(api.GET("/api/agentic/tables")) });

export const useAsk = () =>
  useMutation({
    mutationFn: (body: Asked) => told(api.POST("/api/agentic/tables/query", { body: { ...body, max_seconds: 5 } })),
  });
