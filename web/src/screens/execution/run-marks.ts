// A watched run as marks on the canvas. A node's mark stays the same object until the node looks different.
import type { EdgeMark, Marks, NodeMark } from "@/editor/canvas/marks";
import { type ConnectionDoc, connectionKey, type WorkflowDocument } from "@/editor/store/types";
import type { RunWatch } from "@/live/run-watch";
import type { NodeStanding } from "@/live/standing";

const IDLE: EdgeMark = { status: "idle" };
type Kept<M> = { source: NodeStanding | undefined; target: NodeStanding | undefined; breakpoint: boolean; mark: M };

export class RunMarks implements Marks {
  #connections: ReadonlyMap<string, ConnectionDoc>;
  #nodes = new Map<string, Kept<NodeMark | undefined>>();
  #edges = new Map<string, Kept<EdgeMark | undefined>>();
  #breakpoints: ReadonlySet<string> = new Set();
  #heard = new Set<() => void>();

  constructor(
    readonly watch: Pick<RunWatch, "onChange" | "view">,
    document: WorkflowDocument,
  ) {
    this.#connections = new Map(document.connections.map((each) => [connectionKey(each), each]));
  }

  subscribe = (hear: () => void): (() => void) => {
    this.#heard.add(hear);
    const leave = this.watch.onChange(hear);
    return () => {
      this.#heard.delete(hear);
      leave();
    };
  };

  /** Nodes that a debugged run pauses before. */
  setBreakpoints(nodes: ReadonlySet<string>): void {
    this.#breakpoints = nodes;
    for (const hear of this.#heard) hear();
  }

  node(id: string): NodeMark | undefined {
    const source = this.watch.view.standings.get(id);
    const breakpoint = this.#breakpoints.has(id);
    const kept = this.#nodes.get(id);
    if (kept && kept.source === source && kept.breakpoint === breakpoint) return kept.mark;
    const mark = nodeMark(source, breakpoint);
    this.#nodes.set(id, { source, target: undefined, breakpoint, mark });
    return mark;
  }

  edge(key: string): EdgeMark | undefined {
    const connection = this.#connections.get(key);
    if (connection === undefined) return undefined;
    const { standings } = this.watch.view;
    const source = standings.get(connection.source);
    const target = standings.get(connection.target);
    const kept = this.#edges.get(key);
    if (kept && kept.source === source && kept.target === target) return kept.mark;
    const mark = edgeMark(connection, source, target);
    this.#edges.set(key, { source, target, breakpoint: false, mark });
    return mark;
  }
}

function nodeMark(standing: NodeStanding | undefined, breakpoint: boolean): NodeMark | undefined {
  if (standing === undefined) return breakpoint ? { breakpoint } : undefined;
  return {
    status: standing.state,
    durationMs: standing.duration_ms,
    runs: standing.runs,
    ...(standing.error ? { problem: `${standing.error.name}: ${standing.error.message}` } : {}),
    ...(breakpoint ? { breakpoint } : {}),
    ...(standing.given === "pinned" ? { pinned: true } : {}),
  };
}

function edgeMark(
  { source_port }: ConnectionDoc,
  source: NodeStanding | undefined,
  target: NodeStanding | undefined,
): EdgeMark | undefined {
  if (source === undefined) return undefined;
  // A loop's body is fed by a port that the loop itself never emits.
  const taken = source_port === "item" ? (target?.runs ?? 0) : (source.ports[source_port] ?? 0);
  if (taken === 0) return source.state === "running" || source.state === "waiting" ? undefined : IDLE;
  return { status: "taken", items: taken > 1 ? taken : source.count };
}
