import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, told } from "@/api/client";
import { workflowsQuery } from "@/api/queries";
import { useRunNews } from "@/live/hooks";
import { type Listed, listed } from "./listing";

const RUNS = 200;

const lastRunsQuery = () =>
  queryOptions({
    queryKey: ["executions", "last"],
    queryFn: () => told(api.GET("/api/agentic/executions", { params: { query: { limit: RUNS } } })),
  });

const resultsQuery = () =>
  queryOptions({
    queryKey: ["trades", "by-workflow"],
    queryFn: () => told(api.GET("/api/agentic/trades/summary", { params: { query: { by: "workflow" } } })),
  });

/** Every workflow with its last run and what it made, kept true while the page is open. */
export function useListed(): {
  workflows: Listed[] | undefined;
  /** Whether all runs were looked at: otherwise a workflow without one may have run long ago. */
  allRuns: boolean;
  error: unknown;
  refetch: () => void;
} {
  const workflows = useQuery({ ...workflowsQuery(), refetchInterval: 30_000 });
  const runs = useQuery(lastRunsQuery());
  const sums = useQuery(resultsQuery());
  useRunNews("workflows", "executions", "trades");
  const list = useMemo(
    () => workflows.data && listed(workflows.data.items, runs.data?.items ?? [], sums.data?.items ?? []),
    [workflows.data, runs.data, sums.data],
  );
  return {
    workflows: list,
    allRuns: runs.data !== undefined && runs.data.total <= RUNS,
    error: workflows.error ?? runs.error ?? sums.error,
    refetch: () => {
      for (const query of [workflows, runs, sums]) void query.refetch();
    },
  };
}
