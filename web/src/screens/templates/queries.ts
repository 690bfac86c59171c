import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";

export type Template = Schemas["Template"];

/** They do not change while a server runs. */
export const templatesQuery = () =>
  queryOptions({
    queryKey: ["templates"],
    queryFn: () => told(api.GET("/api/agentic/templates")),
    staleTime: Number.POSITIVE_INFINITY,
  });
