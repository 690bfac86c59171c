// What several screens read. A screen's own queries stand beside the screen.
import { keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { api, told, unreachable } from "./client";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      placeholderData: keepPreviousData,
      // The server's word is final; only what did not reach it is asked again.
      retry: (count, error) => unreachable(error) && count < 2,
      refetchOnWindowFocus: true,
      // The server is on this machine: whether the browser is on the internet says nothing about it.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

export const workflowsQuery = () =>
  queryOptions({
    queryKey: ["workflows"],
    queryFn: () => told(api.GET("/api/agentic/workflows", { params: { query: { limit: 200 } } })),
  });

export const workflowQuery = (id: string) =>
  queryOptions({
    queryKey: ["workflows", id],
    queryFn: () => told(api.GET("/api/agentic/workflows/{id}", { params: { path: { id } } })),
  });

export const accountsQuery = () =>
  queryOptions({
    queryKey: ["accounts"],
    queryFn: () => told(api.GET("/api/agentic/accounts")),
    refetchInterval: 5_000,
  });

export const credentialsQuery = () =>
  queryOptions({
    queryKey: ["credentials"],
    queryFn: () => told(api.GET("/api/agentic/credentials", { params: { query: { limit: 200 } } })),
  });

export const healthQuery = () =>
  queryOptions({ queryKey: ["health"], queryFn: () => told(api.GET("/api/agentic/health")), refetchInterval: 5_000 });

/** Node types do not change while a server runs. */
export const nodeTypesQuery = () =>
  queryOptions({
    queryKey: ["node-types"],
    queryFn: () => told(api.GET("/api/agentic/nodes/types")),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const nodeSchemaQuery = (type: string) =>
  queryOptions({
    queryKey: ["node-schema", type],
    queryFn: () => told(api.GET("/api/agentic/nodes/{type}/schema", { params: { path: { type } } })),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  });
