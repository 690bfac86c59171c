// What the tour says of the run that ends it.
import type { Schemas } from "@/api/client";
import { hasEnded } from "@/live/run-watch";

type Run = Pick<Schemas["Execution"], "status" | "orders" | "error"> & {
  node_runs?: Pick<Schemas["NodeRun"], "node" | "name" | "type" | "port" | "output" | "state">[];
};
export type Outcome =
  | { kind: "running" }
  | { kind: "traded"; count: number }
  | { kind: "declined"; node: string; reason: string }
  | { kind: "quiet" }
  | { kind: "failed"; node: string; message: string };

/** The last condition that said no is what kept it from trading. */
export function outcomeOf(run: Run): Outcome {
  if (!hasEnded(run.status)) return { kind: "running" };
  if (run.status !== "succeeded") {
    const node = run.node_runs?.find(({ node }) => node === run.error?.node);
    return { kind: "failed", node: node?.name ?? run.error?.node ?? "", message: run.error?.message ?? run.status };
  }
  const { orders = [], node_runs = [] } = run;
  if (orders.length > 0) return { kind: "traded", count: orders.length };
  const refused = node_runs.findLast(({ type, port }) => type.startsWith("condition.") && port === "false");
  if (refused === undefined) return { kind: "quiet" };
  const reason = (refused.output as { reason?: unknown } | null)?.reason;
  return { kind: "declined", node: refused.name, reason: typeof reason === "string" ? reason : "–" };
}
