// Two executions node by node: who did otherwise, and in what.
import { isObject } from "@/forms/schema";
import type { Execution, NodeRun } from "@/live/run-record";

export type Difference = {
  node: string;
  name: string;
  one: NodeRun | undefined;
  other: NodeRun | undefined;
  /** Paths of the output that differ, with both values; at most `MOST`. */
  fields: { path: string; one: unknown; other: unknown }[];
  same: boolean;
};
const MOST = 30;

/** In the order of the first execution, then those only the other has. Of a loop's node its last turn counts. */
export function differencesOf(one: Execution, other: Execution): Difference[] {
  const [ones, others] = [lastRuns(one), lastRuns(other)];
  const nodes = new Set([...ones.keys(), ...others.keys()]);
  return [...nodes].map((node) => {
    const [a, b] = [ones.get(node), others.get(node)];
    const fields: Difference["fields"] = [];
    if (a && b) collect(a.output, b.output, "", fields);
    const same =
      a?.state === b?.state && a?.port === b?.port && fields.length === 0 && a?.error?.name === b?.error?.name;
    return { node, name: a?.name ?? b?.name ?? node, one: a, other: b, fields, same };
  });
}

const lastRuns = (execution: Execution): Map<string, NodeRun> =>
  new Map((execution.node_runs ?? []).map((run) => [run.node, run]));

function collect(one: unknown, other: unknown, path: string, found: Difference["fields"]): void {
  if (found.length >= MOST || Object.is(one, other)) return;
  if (isObject(one) && isObject(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      collect(one[key], other[key], path ? `${path}.${key}` : key, found);
    }
    return;
  }
  // A series that moved by one differs in every place: it is one difference.
  const sameLists = Array.isArray(one) && Array.isArray(other) && JSON.stringify(one) === JSON.stringify(other);
  if (!sameLists) found.push({ path, one, other });
}
