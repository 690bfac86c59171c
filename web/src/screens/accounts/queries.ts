// What the account screens read and do.
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";
import { accountsQuery, workflowsQuery } from "@/api/queries";

export type Account = Schemas["AccountDetail"];
export type KillMode = Schemas["Kill"]["mode"];

/** What the open positions make or lose as prices stand; null while the terminal does not tell. */
export const floatingOf = ({ equity, balance }: Account): number | null =>
  equity != null && balance != null ? equity - balance : null;

const LOOK_MS = 3_000;
const id = (name: string) => ({ params: { path: { id: name } } });

export const accountQuery = (name: string) =>
  queryOptions({
    queryKey: ["accounts", name],
    queryFn: () => told(api.GET("/api/agentic/accounts/{id}", id(name))),
    refetchInterval: (query) => (query.state.data?.flatten?.status === "running" ? 1_000 : LOOK_MS),
  });

export const holdingsQuery = (name: string) =>
  queryOptions({
    queryKey: ["accounts", name, "holdings"],
    queryFn: () => told(api.GET("/api/agentic/accounts/{id}/holdings", id(name))),
    refetchInterval: LOOK_MS,
  });

export const limitsQuery = (name: string) =>
  queryOptions({
    queryKey: ["accounts", name, "limits"],
    queryFn: () => told(api.GET("/api/agentic/accounts/{id}/limits", id(name))),
    placeholderData: undefined,
  });

/** Orders of an account whose outcome is not known. */
export const openQuestionsQuery = (name: string) =>
  queryOptions({
    queryKey: ["orders", name, "open-questions"],
    queryFn: () =>
      told(
        api.GET("/api/agentic/orders", {
          params: { query: { account: name, state: ["unknown", "manual"], limit: 100 } },
        }),
      ),
    refetchInterval: 5_000,
  });

export const replayQuery = (name: string) =>
  queryOptions({
    queryKey: ["accounts", name, "replay"],
    queryFn: () => told(api.GET("/api/agentic/accounts/{id}/replay", id(name))),
    refetchInterval: (query) => (query.state.data?.state === "running" ? 1_000 : false),
    placeholderData: undefined,
  });

/** What people call the workflows, by id. */
export const useWorkflowNames = (): Map<string, string> =>
  new Map(useQuery(workflowsQuery()).data?.items.map(({ id, name }) => [id, name]));

/** Whatever changes how accounts stand: everything that shows it is read again, also after a failure. */
function useChange<Wanted, Answer>(change: (wanted: Wanted) => Promise<Answer>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () =>
      Promise.all(
        [accountsQuery().queryKey, ["health"], ["orders"], ["notifications"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

/** `name` null: all accounts. */
export const useKill = (name: string | null) =>
  useChange((body: Schemas["Kill"]) =>
    told<Schemas["Killed"]>(
      name === null
        ? api.POST("/api/agentic/accounts/kill", { body })
        : api.POST("/api/agentic/accounts/{id}/kill", { ...id(name), body }),
    ),
  );

export const useResume = (name: string) =>
  useChange((body: Schemas["Resume"]) => told(api.POST("/api/agentic/accounts/{id}/resume", { ...id(name), body })));

export const useChangeLimits = (name: string) =>
  useChange((body: Schemas["ChangeLimits"]) =>
    told(api.PUT("/api/agentic/accounts/{id}/limits", { ...id(name), body })),
  );

export const useSettle = () =>
  useChange(({ order, body }: { order: string; body: Schemas["SettleOrder"] }) =>
    told(api.POST("/api/agentic/orders/{id}/settle", { ...id(order), body })),
  );

export const useStartReplay = (name: string) =>
  useChange((body: Schemas["StartMarketReplay"]) =>
    told(api.POST("/api/agentic/accounts/{id}/replay", { ...id(name), body })),
  );

export const useReplayWord = (name: string) =>
  useChange((word: "pause" | "resume" | "stop"): Promise<Schemas["MarketReplay"]> => {
    if (word === "pause") return told(api.POST("/api/agentic/accounts/{id}/replay/pause", id(name)));
    if (word === "stop") return told(api.POST("/api/agentic/accounts/{id}/replay/stop", id(name)));
    return told(api.POST("/api/agentic/accounts/{id}/replay/resume", { ...id(name), body: {} }));
  });
