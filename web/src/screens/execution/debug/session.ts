import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, type Schemas, told } from "@/api/client";
import { hasEnded } from "@/live/run-watch";
import { useRun, useWatch } from "@/live/use-run";
import { toast } from "@/ui/toast";
import { debugQuery } from "../queries";

export type Paused = Schemas["PausedNode"];
export type Command = Partial<Schemas["DebugCommand"]> & Pick<Schemas["DebugCommand"], "action">;

/** How long a command's answer waits for the next pause. */
const WAIT_S = 10;

/** The debugging session of a run: where it is paused, and a way to tell it how to go on. */
export function useSession(id: string, enabled = true) {
  const queries = useQueryClient();
  const watch = useWatch();
  const query = debugQuery(id);
  const { data: session, error } = useQuery({ ...query, enabled });
  const status = useRun((view) => view.execution?.status);
  const command = useMutation({
    mutationFn: (wanted: Command) =>
      told(
        api.POST("/api/agentic/executions/{id}/debug", {
          params: { path: { id } },
          body: {
            port: "main",
            wait_s: wanted.action === "set" || wanted.action === "breakpoints" ? 0 : WAIT_S,
            ...wanted,
          },
        }),
      ),
    onSuccess: (now) => {
      queries.setQueryData(query.queryKey, now);
      watch.refresh();
    },
    onError: toast.failed,
  });
  const ended = hasEnded(session?.execution.status) || hasEnded(status);
  return { session, error, command, ended };
}

export type CommandMutation = ReturnType<typeof useSession>["command"];

/**
 * Reads the session again when a pause begins or ends, which is told as a run's news: what a paused node sees is not.
 * Once on a page, however many show the session: each reading asks the server.
 */
export function useSessionNews(id: string, enabled: boolean): void {
  const queries = useQueryClient();
  const pauses = useRun((view) => pausesIn(view.standings));
  const status = useRun((view) => view.execution?.status);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when these change
  useEffect(() => {
    if (enabled) void queries.invalidateQueries({ queryKey: debugQuery(id).queryKey });
  }, [queries, id, pauses, status, enabled]);
}

const pausesIn = (standings: ReadonlyMap<string, { state: string }>): string =>
  [...standings].flatMap(([node, { state }]) => (state === "paused" ? [node] : [])).join();

/** A command about one paused node. */
export const about = (paused: Paused): { node: string; iteration: number[] | null } => ({
  node: paused.node,
  iteration: paused.iteration?.length ? paused.iteration : null,
});
