import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/api/client";
import { asDocument } from "@/editor/store/types";

const at = (id: string) => ({ params: { path: { id } } });

/** A run's document never changes. */
export const documentQuery = (id: string) =>
  queryOptions({
    queryKey: ["executions", id, "document"],
    queryFn: async () => asDocument((await told(api.GET("/api/agentic/executions/{id}/document", at(id)))).document),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  });

/** `stage` is whatever, when it changes, makes another answer likely. */
export const decisionsQuery = (id: string, stage: string) =>
  queryOptions({
    queryKey: ["executions", id, "decisions", stage],
    queryFn: () => told(api.GET("/api/agentic/executions/{id}/decisions", at(id))),
    placeholderData: undefined,
  });

export const executionQuery = (id: string) =>
  queryOptions({
    queryKey: ["executions", id],
    queryFn: () => told(api.GET("/api/agentic/executions/{id}", at(id))),
    placeholderData: undefined,
  });

export const debugQuery = (id: string) =>
  queryOptions({
    queryKey: ["executions", id, "debug"],
    queryFn: () => told(api.GET("/api/agentic/executions/{id}/debug", at(id))),
    placeholderData: undefined,
  });
