// One execution as it happens: its snapshot by REST, and what the messages after it change.

const KEPT = 500;
const STATES = { succeeded: "succeeded", failed: "failed", aborted: "failed" };
const same = (run, message) => run.node === message.node && run.iteration.join() === message.iteration.join();

export class Watched {
  lines = [];
  after = 0;
  seq = null;
  execution = null;
  progress = new Map();
  #recent = [];

  constructor(id) {
    this.id = id;
  }

  /** A snapshot may be older than messages that came while it was read: those count on. */
  read(execution, log) {
    this.execution = execution;
    this.seq = Math.max(this.seq ?? 0, execution.seq);
    for (const line of log.items) this.#line(line);
    for (const message of this.#recent) if (message.seq > execution.seq) this.#apply(message);
  }

  /** Take a message in; true when there is more to read by REST: an output, a name, what a gap left out. */
  hear(message) {
    if (message.type === "gap") return true;
    if (message.type === "node.progress") {
      this.progress.set(`${message.node}/${message.iteration.join()}`, message);
      return false;
    }
    if (this.seq !== null && message.seq <= this.seq) return false;
    const skipped = this.seq !== null && message.seq > this.seq + 1;
    this.seq = message.seq;
    this.#recent = [...this.#recent, message].slice(-KEPT);
    if (message.type === "node.log") this.#line(message);
    return (this.execution !== null && this.#apply(message)) || skipped;
  }

  #line(line) {
    if (line.seq <= this.after) return;
    this.after = line.seq;
    this.lines.push(line);
  }

  #apply(message) {
    const execution = this.execution;
    if (message.type === "execution.started") execution.status = message.status;
    if (message.type === "execution.finished") {
      this.progress.clear();
      Object.assign(execution, { status: message.status, error: message.error ?? null, duration_ms: message.duration_ms, finished_at: message.time });
      return true;
    }
    if (message.type === "node.started") return this.#started(message);
    if (message.type === "node.finished") return message.kind !== "pause" && this.#finished(message);
    return false;
  }

  #started(message) {
    const state = { task: "running", pause: "paused" }[message.kind] ?? "waiting";
    const known = this.execution.node_runs.find((run) => same(run, message));
    if (known) {
      Object.assign(known, { state, error: null, finished_at: null, duration_ms: null, attempts: message.attempt + 1 });
      return false;
    }
    const alike = this.execution.node_runs.find((run) => run.node === message.node);
    this.execution.node_runs.push({
      node: message.node,
      name: alike?.name ?? message.node,
      type: alike?.type ?? "",
      iteration: message.iteration,
      state,
      port: null,
      output: null,
      error: null,
      attempts: 1,
      started_at: message.time,
      finished_at: null,
      duration_ms: null,
    });
    return !alike;
  }

  #finished(message) {
    this.progress.delete(`${message.node}/${message.iteration.join()}`);
    const known = this.execution.node_runs.find((run) => same(run, message));
    if (known) Object.assign(known, { state: STATES[message.status], port: message.port ?? null, error: message.error ?? null, finished_at: message.time, duration_ms: message.duration_ms });
    return true;
  }
}
