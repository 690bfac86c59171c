// One run as far as it is known: its snapshot by REST, and what the messages after it changed. Knows nothing of time, network or React.
import type { Schemas } from "@/api/client";
import type { RunMessage } from "./run-events";
import { type NodeStanding, type Progress, sameStanding, standingOf } from "./standing";

export type Execution = Schemas["Execution"];
export type NodeRun = Schemas["NodeRun"];
export type LogLine = Schemas["LogLine"] & { cut?: boolean };
/** What is to be read by REST after a message: nothing, soon (an output, a name), or at once (something was left out). */
export type Need = "nothing" | "soon" | "now";

export const MOST_LINES = 20_000;
const STATES: Record<string, NodeRun["state"]> = { succeeded: "succeeded", failed: "failed", aborted: "failed" };
const BY_KIND: Record<string, NodeRun["state"]> = { task: "running", pause: "paused" };
export const runKey = (node: string, iteration: readonly number[] = []): string => `${node}/${iteration.join()}`;

export class RunRecord {
  execution: Execution | null = null;
  /** By node and iteration, in the order they started. */
  readonly runs = new Map<string, NodeRun>();
  /** Ascending by `seq`, each once; the oldest are dropped beyond `MOST_LINES`. */
  readonly lines: LogLine[] = [];
  linesVersion = 0;
  /** The last number that was heard or read; null before the first. */
  seq: number | null = null;
  /** All log lines up to this number are here, or were and are too old. */
  logKnown = 0;
  #standings = new Map<string, NodeStanding>();
  #ofNode = new Map<string, Set<string>>();
  #progress = new Map<string, Progress>();
  #dirty = new Set<string>();
  #recent: RunMessage[] = [];
  #oldest = 0;

  /** A snapshot, older perhaps than messages that came while it was read: those count on. */
  read(execution: Execution): void {
    if (this.execution !== null && execution.seq < this.execution.seq) return;
    this.execution = execution;
    this.seq = Math.max(this.seq ?? 0, execution.seq);
    const before = new Set(this.runs.keys());
    this.runs.clear();
    for (const run of execution.node_runs ?? []) {
      before.delete(runKey(run.node, run.iteration));
      this.#put(run);
    }
    for (const key of before) this.#forget(key);
    this.#recent = this.#recent.filter((message) => message.seq > execution.seq);
    for (const message of this.#recent) this.#apply(message);
  }

  /** Lines read by REST. `upTo`: the last number that had been heard when they were asked for. */
  readLog(lines: readonly LogLine[], upTo: number): void {
    for (const line of lines) this.#line(line);
    this.logKnown = Math.max(this.logKnown, upTo, lines.at(-1)?.seq ?? 0);
  }

  hear(message: RunMessage): Need {
    if (message.type === "gap") return "now";
    if (message.type === "node.progress") return this.#hearProgress(message);
    const skipsLines = message.seq > this.logKnown + 1;
    if (message.type === "node.log") this.#line(message as unknown as LogLine);
    if (!skipsLines) this.logKnown = Math.max(this.logKnown, message.seq);
    if (this.seq !== null && message.seq <= this.seq) return skipsLines ? "soon" : "nothing";
    const skips = this.seq === null || message.seq > this.seq + 1;
    this.seq = message.seq;
    if (message.type === "node.log") return skips ? "now" : "nothing";
    this.#recent.push(message);
    const need = this.execution === null ? "now" : this.#apply(message);
    return skips ? "now" : need;
  }

  /** Each node's standing; nodes that look the same as before keep their object. */
  standings(): { standings: ReadonlyMap<string, NodeStanding>; changed: boolean } {
    if (this.#dirty.size === 0) return { standings: this.#standings, changed: false };
    const made = new Map(this.#standings);
    for (const node of this.#dirty) {
      const keys = this.#ofNode.get(node) ?? new Set();
      const runs = [...keys].flatMap((key) => this.runs.get(key) ?? []);
      const standing = standingOf(runs, this.#progress.get(node));
      const before = this.#standings.get(node);
      if (standing === undefined) made.delete(node);
      else if (!before || !sameStanding(before, standing)) made.set(node, standing);
    }
    this.#dirty.clear();
    this.#standings = made;
    return { standings: made, changed: true };
  }

  #put(run: NodeRun): void {
    const key = runKey(run.node, run.iteration);
    this.runs.set(key, run);
    let keys = this.#ofNode.get(run.node);
    if (!keys) {
      keys = new Set();
      this.#ofNode.set(run.node, keys);
    }
    keys.add(key);
    this.#dirty.add(run.node);
  }

  #forget(key: string): void {
    const node = key.slice(0, key.lastIndexOf("/"));
    this.#ofNode.get(node)?.delete(key);
    this.#dirty.add(node);
  }

  #line(line: LogLine): void {
    if (line.seq <= this.#oldest) return;
    const last = this.lines.at(-1);
    if (last === undefined || line.seq > last.seq) this.lines.push(line);
    else {
      // From the end: a long log that is read while a run goes on comes before the few lines that were heard.
      const at = this.lines.findLastIndex((known) => known.seq <= line.seq);
      const known = this.lines[at];
      if (known?.seq !== line.seq) this.lines.splice(at + 1, 0, line);
      else if (known.cut && !line.cut) this.lines[at] = line;
      else return;
    }
    if (this.lines.length > MOST_LINES) {
      this.lines.splice(0, MOST_LINES / 4);
      this.#oldest = (this.lines[0]?.seq ?? 1) - 1;
    }
    this.linesVersion += 1;
  }

  #hearProgress(message: RunMessage): Need {
    const { node, done, total, note } = message as unknown as { node: string } & Progress;
    this.#progress.set(node, { done, total, note });
    this.#dirty.add(node);
    return "nothing";
  }

  #apply(message: RunMessage): Need {
    if (message.type === "node.started") return this.#started(message);
    if (message.type === "node.finished") return this.#finished(message);
    const execution = this.execution;
    if (execution === null) return "now";
    if (message.type === "execution.started") {
      // A word about its first start does not undo an end that was read; a retry's comes later than the end.
      const ended = execution.finished_at;
      if (ended && Date.parse(message.time) <= Date.parse(ended)) return "nothing";
      const goesOn = { status: "running", error: null, finished_at: null, duration_ms: null } as const;
      this.execution = { ...execution, ...goesOn };
      return ended ? "now" : "nothing";
    }
    if (message.type !== "execution.finished") return "nothing";
    // Nor does an end undo a retry that was read already.
    const retried = execution.retries?.at(-1)?.at;
    if (retried && Date.parse(message.time) <= Date.parse(retried)) return "nothing";
    this.#progress.clear();
    this.execution = {
      ...execution,
      status: message.status as Execution["status"],
      has_errors: message.has_errors === true,
      error: (message.error as Execution["error"]) ?? null,
      duration_ms: (message.duration_ms as number | null) ?? null,
      finished_at: message.time,
    };
    return "now";
  }

  #started(message: RunMessage): Need {
    const { node, kind, attempt } = message as unknown as { node: string; kind: string; attempt: number };
    const iteration = (message.iteration as number[] | undefined) ?? [];
    const known = this.runs.get(runKey(node, iteration));
    const state = BY_KIND[kind] ?? "waiting";
    const anew = { state, error: null, finished_at: null, duration_ms: null };
    if (known) this.#put({ ...known, ...anew, ...(kind === "task" ? { attempts: attempt + 1 } : {}) });
    else
      this.#put({ ...anew, node, iteration, name: node, type: "", attempts: 1, edited: {}, started_at: message.time });
    return kind === "pause" ? "now" : "nothing";
  }

  #finished(message: RunMessage): Need {
    const { node, kind } = message as unknown as { node: string; kind: string };
    if (kind === "pause") return "soon";
    this.#progress.delete(node);
    const known = this.runs.get(runKey(node, message.iteration as number[] | undefined));
    if (!known) return "now";
    const whole = known.attempts === 1 && kind === "task" ? message.duration_ms : since(known, message.time);
    this.#put({
      ...known,
      state: STATES[message.status as string] ?? "failed",
      port: (message.port as string | null) ?? null,
      error: (message.error as NodeRun["error"]) ?? null,
      finished_at: message.time,
      duration_ms: (whole as number | null) ?? null,
    });
    return "soon";
  }
}

const since = (run: NodeRun, time: string): number | null =>
  run.started_at ? Date.parse(time) - Date.parse(run.started_at) : null;
