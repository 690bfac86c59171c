// What the editor's canvas shows on nodes: how they ran last, and what is wrong with them.
import { useEffect, useMemo } from "react";
import type { RunView } from "@/live/run-watch";
import { type EdgeMark, LiveMarks, type NodeMark } from "../canvas/marks";
import { useEditor } from "../store/store";
import { connectionKey, type WorkflowDocument } from "../store/types";
import { type Problem, useProblems } from "./validation";

const same = (a: object, b: object): boolean => {
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([key, value]) => (b as Record<string, unknown>)[key] === value);
};

/** The marks, with the object of before where a mark says the same. */
function settled<T extends object>(now: Record<string, T>, before: Readonly<Record<string, T>>): Record<string, T> {
  for (const [id, mark] of Object.entries(now)) {
    const known = before[id];
    if (known && same(known, mark)) now[id] = known;
  }
  return now;
}

export function marksOf(document: WorkflowDocument, problems: readonly Problem[], view: RunView | null) {
  const nodes: Record<string, NodeMark> = {};
  const edges: Record<string, EdgeMark> = {};
  for (const [id, standing] of view?.standings ?? []) {
    nodes[id] = {
      status: standing.state,
      durationMs: standing.duration_ms,
      runs: standing.runs,
      ...(standing.error ? { problem: standing.error.message } : {}),
    };
  }
  for (const problem of problems) {
    if (problem.node && document.nodes.some((node) => node.id === problem.node)) {
      const what = problem.severity === "warning" ? "warning" : "problem";
      const mark = nodes[problem.node] ?? {};
      nodes[problem.node] = { ...mark, [what]: mark[what] ?? problem.message };
    }
    const wire = /^connections\.(\d+)/.exec(problem.field ?? "");
    const connection = wire && document.connections[Number(wire[1])];
    if (connection && problem.severity !== "warning") edges[connectionKey(connection)] = { invalid: problem.message };
  }
  for (const connection of document.connections) {
    const key = connectionKey(connection);
    const times = view?.standings.get(connection.source)?.ports[connection.source_port];
    if (times !== undefined && !edges[key]) edges[key] = { status: "taken", items: times };
  }
  return { nodes, edges };
}

export function useEditorMarks(view: RunView | null): LiveMarks {
  const marks = useMemo(() => new LiveMarks(), []);
  const document = useEditor((state) => state.document);
  const problems = useProblems((state) => state.problems);
  useEffect(() => {
    const made = marksOf(document, problems, view);
    marks.set(settled(made.nodes, marks.nodes), settled(made.edges, marks.edges));
  }, [marks, document, problems, view]);
  return marks;
}
