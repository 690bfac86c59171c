import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";
import { credentialsQuery } from "@/api/queries";

export type Kind = Schemas["CredentialKind"];
export type Credential = Schemas["CredentialSummary"];

export const credentialQuery = (id: string) =>
  queryOptions({
    queryKey: ["credentials", id],
    queryFn: () => told(api.GET("/api/agentic/credentials/{id}", { params: { path: { id } } })),
    placeholderData: undefined,
  });

/** Kinds do not change while a server runs. */
export const kindsQuery = () =>
  queryOptions({
    queryKey: ["credential-kinds"],
    queryFn: () => told(api.GET("/api/agentic/credential-kinds")),
    staleTime: Number.POSITIVE_INFINITY,
  });

function useChange<Wanted, Answer>(change: (wanted: Wanted) => Promise<Answer>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    gcTime: 0, // what was sent holds a secret: it is not kept
    onSettled: () => queries.invalidateQueries({ queryKey: credentialsQuery().queryKey }),
  });
}

export const useAdd = () =>
  useChange((body: Schemas["NewCredential"]) => told(api.POST("/api/agentic/credentials", { body })));

export const useReplace = (id: string) =>
  useChange((body: Schemas["ReplacedCredential"]) =>
    told(api.PUT("/api/agentic/credentials/{id}", { params: { path: { id } }, body })),
  );

export const useRemove = (id: string) =>
  useChange((even_if_used: boolean) =>
    told(api.DELETE("/api/agentic/credentials/{id}", { params: { path: { id }, query: { even_if_used } } })),
  );
