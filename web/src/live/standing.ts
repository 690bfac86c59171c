// How a node stands in a run, over all its iterations: what a node on the canvas shows.
import type { Schemas } from "@/api/client";

type NodeRun = Schemas["NodeRun"];
export type Progress = { done: number; total?: number | null; note: string };

export type NodeStanding = {
  state: NodeRun["state"];
  /** Runs that began: more than one in a loop. */
  runs: number;
  failed: number;
  /** How often each port was emitted. */
  ports: Readonly<Record<string, number>>;
  /** What its last output says it holds: bars, positions, rows. */
  count: number | null;
  duration_ms: number | null;
  attempts: number;
  given: NodeRun["given"];
  edited: boolean;
  error: NodeRun["error"];
  progress: Progress | null;
};

const URGENT: NodeRun["state"][] = ["paused", "running", "waiting", "failed"];

/** Undefined for a node without runs. A node that failed in any iteration is marked as failed. */
export function standingOf(runs: readonly NodeRun[], progress?: Progress): NodeStanding | undefined {
  const last = runs.at(-1);
  if (last === undefined) return undefined;
  const ports: Record<string, number> = {};
  let took: number | null = null;
  for (const run of runs) {
    if (run.port) ports[run.port] = (ports[run.port] ?? 0) + 1;
    if (run.duration_ms !== null && run.duration_ms !== undefined) took = (took ?? 0) + run.duration_ms;
  }
  const state = URGENT.find((state) => runs.some((run) => run.state === state)) ?? last.state;
  const failure = runs.findLast((run) => run.state === "failed");
  return {
    state,
    runs: runs.filter((run) => run.state !== "skipped").length,
    failed: runs.filter((run) => run.state === "failed").length,
    ports,
    count: countIn(last.output),
    duration_ms: took,
    attempts: Math.max(...runs.map((run) => run.attempts)),
    given: last.given,
    edited: runs.some((run) => Object.keys(run.edited ?? {}).length > 0),
    error: failure?.error ?? null,
    progress: (state === "running" || state === "waiting") && progress ? progress : null,
  };
}

function countIn(output: unknown): number | null {
  if (typeof output !== "object" || output === null || !("count" in output)) return null;
  return typeof output.count === "number" ? output.count : null;
}

/** Whether a node looks the same: then it need not be drawn again. */
export const sameStanding = (a: NodeStanding, b: NodeStanding): boolean => JSON.stringify(a) === JSON.stringify(b);
