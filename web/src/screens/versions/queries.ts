import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";

export type Version = Schemas["WorkflowVersion"];
const VERSIONS = "/api/agentic/workflows/{id}/versions";

export const versionsQuery = (id: string) =>
  queryOptions({
    queryKey: ["workflows", id, "versions"],
    queryFn: () => told(api.GET(VERSIONS, { params: { path: { id } } })),
  });

/** A version never changes. */
export const versionQuery = (id: string, version: string | undefined) =>
  queryOptions({
    queryKey: ["workflows", id, "versions", version],
    queryFn: () => told(api.GET(`${VERSIONS}/{version}`, { params: { path: { id, version: version ?? "" } } })),
    enabled: version !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  });

/** Makes an old version the newest; `newest` is the one it replaces. */
export const restore = (id: string, version: string, newest: string) =>
  told(
    api.POST(`${VERSIONS}/{version}/restore`, {
      params: { path: { id, version }, header: { "if-match": `"${newest}"` } },
    }),
  );
