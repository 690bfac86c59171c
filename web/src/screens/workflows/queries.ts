import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, told } from "@/api/client";
import { workflowsQuery } from "@/api/queries";
import { useRunNews } from "@/live/hooks";
import { type Listed, listed } from "./listing";

const resultsQuery = () =>
  queryOptions({
    queryKey: ["trades", "by-workflow"],
    queryFn: () => told(api.GET("/api/agentic/trades/summary", { params: { query: { by: "workflow" } } })),
  });

/** Every workflow with what it made, kept true while the page is open. */
export function useListed(): { workflows: Listed[] | undefined; error: unknown; refetch: () => void } {
  const workflows = useQuery({ ...workflowsQuery(), refetchInterval: 30_000 });
  const sums = useQuery(resultsQuery());
  useRunNews("workflows", "trades");
  const list = useMemo(
    () => workflows.data && listed(workflows.data.items, sums.data?.items ?? []),
    [workflows.data, sums.data],
  );
  return {
    workflows: list,
    error: workflows.error ?? sums.error,
    refetch: () => {
      for (const query of [workflows, sums]) void query.refetch();
    },
  };
}
