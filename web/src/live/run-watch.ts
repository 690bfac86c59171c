// A run being watched: reads it, hears what comes after, and tells React once a frame.
import { api, type Schemas, told } from "@/api/client";
import { runChannel, runEvents, type Subscriber } from "./run-events";
import { type Execution, type LogLine, type Need, type NodeRun, RunRecord } from "./run-record";
import type { NodeStanding } from "./standing";

export type RunView = {
  execution: Execution | null;
  runs: readonly NodeRun[];
  standings: ReadonlyMap<string, NodeStanding>;
  /** Grows in place: `linesVersion` tells that it did. */
  lines: readonly LogLine[];
  linesVersion: number;
  /** Why the last reading failed; null once one succeeds again. */
  error: unknown;
};

/** Where a run is read and heard: the API, or a test's stand-in. */
export type RunSources = {
  snapshot(id: string): Promise<Execution>;
  log(id: string, after: number): Promise<Schemas["LogPage"]>;
  subscribe(subscriber: Subscriber): () => void;
  live(): boolean;
  frame(draw: () => void): void;
};

const PAGE = 200;
const POLL_MS = 2_000;
const SOON_MS = 400;
/** While much happens a reading may take no more of the time than one part in this many. */
const SHARE = 4;
const ENDED = new Set(["succeeded", "failed", "stopped", "timed_out"]);
export const hasEnded = (status: string | undefined): boolean => ENDED.has(status ?? "");

export const overApi: RunSources = {
  snapshot: (id) => told(api.GET("/api/agentic/executions/{id}", { params: { path: { id } } })),
  log: (id, after) =>
    told(api.GET("/api/agentic/executions/{id}/logs", { params: { path: { id }, query: { after, limit: PAGE } } })),
  subscribe: (subscriber) => runEvents.subscribe(subscriber),
  live: () => runEvents.live,
  frame: (draw) => void requestAnimationFrame(draw),
};

export class RunWatch {
  readonly record = new RunRecord();
  view: RunView = { execution: null, runs: [], standings: new Map(), lines: [], linesVersion: 0, error: null };
  #heard = new Set<() => void>();
  #drawing = false;
  #reading = false;
  #again: Need = "nothing";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #leave: (() => void) | undefined;
  #error: unknown = null;
  #took_ms = 0;

  constructor(
    readonly id: string,
    readonly sources: RunSources = overApi,
  ) {}

  /** For `useSyncExternalStore`. */
  onChange = (hear: () => void): (() => void) => {
    this.#heard.add(hear);
    return () => this.#heard.delete(hear);
  };

  open(): void {
    if (this.#leave) return;
    this.#leave = this.sources.subscribe({
      channel: runChannel(this.id),
      seq: () => this.record.seq,
      ready: () => this.#want("now"),
      hear: (message) => {
        this.#want(this.record.hear(message));
        this.#draw();
      },
    });
    this.#poll = setInterval(() => this.#pollOnce(), POLL_MS);
    this.#want("now");
  }

  close(): void {
    this.#leave?.();
    this.#leave = undefined;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = "nothing";
  }

  /** Read it again at once: something was asked for that changes it. */
  refresh(): void {
    this.#want("now");
  }

  #pollOnce(): void {
    const missing = this.record.execution === null || this.#error !== null;
    if (missing || (!this.sources.live() && !hasEnded(this.record.execution?.status))) this.#want("now");
  }

  #want(need: Need): void {
    if (need === "nothing" || !this.#leave) return;
    if (this.#reading) {
      if (this.#again !== "now") this.#again = need;
      return;
    }
    if (need === "soon") {
      this.#timer ??= setTimeout(() => void this.#read(), Math.max(SOON_MS, this.#took_ms * SHARE));
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), 0);
  }

  /** The snapshot first, then the log: so no line up to the snapshot's number is missing. */
  async #read(): Promise<void> {
    this.#timer = undefined;
    this.#reading = true;
    const begun = performance.now();
    try {
      this.record.read(await this.sources.snapshot(this.id));
      this.#draw();
      await this.#readLog();
      this.#error = null;
    } catch (error) {
      this.#error = error;
    }
    this.#took_ms = performance.now() - begun;
    this.#reading = false;
    this.#draw();
    const again = this.#again;
    this.#again = "nothing";
    // A failed reading is tried again by the poll, not at once.
    if (this.#error === null) this.#want(again === "now" && this.#took_ms > SOON_MS ? "soon" : again);
  }

  async #readLog(): Promise<void> {
    for (;;) {
      const heard = this.record.seq ?? 0;
      const page = await this.sources.log(this.id, this.record.logKnown);
      const whole = page.items.length < PAGE;
      this.record.readLog(page.items, whole ? heard : 0);
      if (whole || !this.#leave) return;
    }
  }

  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    this.sources.frame(() => {
      this.#drawing = false;
      this.#publish();
    });
  }

  #publish(): void {
    const { record, view } = this;
    const { standings, changed } = record.standings();
    const same = view.execution === record.execution && view.linesVersion === record.linesVersion;
    if (same && !changed && view.error === this.#error) return;
    this.view = {
      execution: record.execution,
      runs: changed ? [...record.runs.values()] : view.runs,
      standings,
      lines: record.lines,
      linesVersion: record.linesVersion,
      error: this.#error,
    };
    for (const hear of this.#heard) hear();
  }
}
