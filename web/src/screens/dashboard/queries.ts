import { queryOptions } from "@tanstack/react-query";
import { api, told } from "@/api/client";

const POINTS = 400;
const LOOK_MS = 5_000;

export type Wanted = { account: string; since: string | null; workflow: string | null };

const asked = ({ account, since, workflow }: Wanted) => ({
  account,
  ...(since && { since }),
  ...(workflow && { workflow_id: workflow }),
});

/** The account's sum and curve, an item a replay. */
export const totalQuery = (wanted: Wanted) =>
  queryOptions({
    queryKey: ["trades", "total", wanted],
    queryFn: () =>
      told(
        api.GET("/api/agentic/trades/summary", {
          // A workflow's trades are asked for by its id; of all of them the account is added up.
          params: { query: { ...asked(wanted), by: wanted.workflow ? "workflow" : "account", points: POINTS } },
        }),
      ),
    refetchInterval: LOOK_MS,
  });

/** The sums of each workflow's versions, with a small curve. */
export const versionsQuery = (wanted: Omit<Wanted, "workflow">) =>
  queryOptions({
    queryKey: ["trades", "versions", wanted],
    queryFn: () =>
      told(
        api.GET("/api/agentic/trades/summary", {
          params: { query: { ...asked({ ...wanted, workflow: null }), by: "version", points: 60 } },
        }),
      ),
    refetchInterval: LOOK_MS,
  });

export const RECENT = 50;

/** The latest runs: what failed among them is read off them. */
export const recentRunsQuery = () =>
  queryOptions({
    queryKey: ["executions", "recent"],
    queryFn: () => told(api.GET("/api/agentic/executions", { params: { query: { limit: RECENT } } })),
    refetchInterval: LOOK_MS,
  });
