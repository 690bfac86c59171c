// Whatever gets lost, doubled or late on the way: in the end a watched run is what the server says it is.
import { describe, expect, test } from "vitest";
import type { RunMessage } from "./run-events";
import { type Execution, type LogLine, MOST_LINES, type NodeRun, RunRecord, runKey } from "./run-record";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const at = (seq: number) => new Date(1_600_000_000_000 + seq * 1_000).toISOString();

/** A run's messages: nodes that start, log, fail, are tried again and end, in any order; at times the run is retried. */
function history(next: () => number): RunMessage[] {
  const told: RunMessage[] = [];
  const say = (type: string, more: object) => {
    const seq = told.length + 1;
    told.push({ type, execution_id: "e", workflow_id: "w", seq, time: at(seq), ...more });
  };
  const rounds = next() < 0.3 ? 2 : 1;
  for (let round = 0; round < rounds; round++) {
    say("execution.started", { status: "running", version: "v", trigger: "n0", resumed: round > 0 });
    const open: { node: string; iteration: number[]; kind: string; attempt: number }[] = [];
    for (let step = 0; step < 30; step++) {
      const run = open[Math.floor(next() * open.length)];
      if (run === undefined || next() < 0.35) {
        const node = { node: `n${Math.floor(next() * 6)}`, iteration: next() < 0.5 ? [] : [Math.floor(next() * 3)] };
        if (open.some((each) => runKey(each.node, each.iteration) === runKey(node.node, node.iteration))) continue;
        const begun = { ...node, kind: "task", attempt: round };
        open.push(begun);
        say("node.started", begun);
      } else if (next() < 0.5) {
        say("node.log", {
          node: run.node,
          iteration: run.iteration,
          level: "info",
          message: `line ${told.length}`,
          fields: {},
        });
      } else {
        open.splice(open.indexOf(run), 1);
        const failed = next() < 0.3;
        say("node.finished", {
          ...run,
          status: failed ? "failed" : "succeeded",
          port: failed ? null : "main",
          error: failed ? { name: "E", message: "m" } : null,
          duration_ms: 5,
        });
      }
    }
    const failed = round < rounds - 1;
    say("execution.finished", {
      status: failed ? "failed" : "succeeded",
      has_errors: false,
      error: failed ? { name: "E", message: "m" } : null,
      duration_ms: 1,
    });
  }
  return told;
}

/** The server: what it answers once the first `upTo` messages are durable. */
class Server {
  constructor(readonly told: RunMessage[]) {}

  snapshot(upTo: number): Execution {
    const past = this.told.slice(0, upTo);
    const runs = new Map<string, NodeRun>();
    let seq = 0;
    let last: RunMessage | undefined;
    const retries = past.filter((message) => message.resumed === true).map((message) => ({ at: message.time }));
    for (const message of past) {
      if (message.type.startsWith("execution.")) last = message;
      if (message.type !== "node.started" && message.type !== "node.finished") continue;
      seq = message.seq;
      const { node, iteration, attempt } = message as unknown as { node: string; iteration: number[]; attempt: number };
      const key = runKey(node, iteration);
      const begun = runs.get(key);
      const ended = message.type === "node.finished";
      runs.set(key, {
        node,
        iteration,
        name: node,
        type: "",
        edited: {},
        attempts: attempt + 1,
        started_at: begun?.started_at ?? message.time,
        state: ended ? (message.status as NodeRun["state"]) : "running",
        port: ended ? (message.port as string | null) : (begun?.port ?? null),
        error: ended ? (message.error as NodeRun["error"]) : null,
        finished_at: ended ? message.time : null,
        duration_ms: null,
      });
    }
    const over = last?.type === "execution.finished";
    return {
      id: "e",
      seq,
      node_runs: [...runs.values()],
      status: over ? last?.status : "running",
      error: over ? last?.error : null,
      finished_at: over ? last?.time : null,
      retries,
    } as unknown as Execution;
  }

  log(after: number, upTo: number): LogLine[] {
    return this.told
      .slice(0, upTo)
      .filter((each) => each.type === "node.log" && each.seq > after) as unknown as LogLine[];
  }
}

/** Plays a run to a record over a line that loses, doubles, cuts and delays, as `next` decides. `look` sees the record
 * after every step, with how many of the messages it must know by then; not while it misses some. */
function play(server: Server, next: () => number, look: (record: RunRecord, known: number) => void): RunRecord {
  const record = new RunRecord();
  const all = server.told.length;
  let [durable, given, lost, read] = [0, 0, 0, -1];
  let wanted = true;
  let reading: { snapshot: Execution; at: number } | null = null;
  const take = (snapshot: Execution, at: number) => {
    record.read(snapshot);
    read = Math.max(read, at);
    const heard = record.seq ?? 0;
    record.readLog(server.log(record.logKnown, durable), heard);
  };
  const hear = (message: RunMessage | undefined) => {
    if (message && record.hear(message) !== "nothing") wanted = true;
  };
  while (given < all || wanted || reading) {
    const dice = next();
    if (dice < 0.4) durable = Math.min(all, durable + 1 + Math.floor(next() * 3));
    else if (dice < 0.7 && given < durable) hear(server.told[given++]);
    else if (dice < 0.76 && given > 0) hear(server.told[Math.floor(next() * given)]);
    else if (dice < 0.82 && given < durable) {
      const last = Math.min(given + 1 + Math.floor(next() * (durable - given)), all - 1);
      if (next() < 0.5) hear({ type: "gap", first: given + 1, last } as unknown as RunMessage);
      given = lost = Math.max(given, last);
    } else if (dice < 0.88 && reading === null) {
      reading = { snapshot: server.snapshot(durable), at: durable };
    } else if (dice < 0.94 && reading !== null) {
      take(reading.snapshot, reading.at);
      reading = null;
    } else if (wanted && given > 0 && reading === null) {
      take(server.snapshot(durable), durable);
      wanted = false;
    } else durable = Math.min(all, durable + 1);
    if (read >= lost) look(record, Math.max(given, read));
  }
  return record;
}

const told = (run: NodeRun) => ({ ...run, duration_ms: null, started_at: null });

describe("a run that is watched", () => {
  test.each(Array.from({ length: 200 }, (_, seed) => seed))("is and ends as the server has it (%i)", (seed) => {
    const next = random(seed);
    const server = new Server(history(next));
    const record = play(server, next, (record, known) => {
      const truth = server.snapshot(known);
      expect(record.execution?.status).toBe(truth.status);
      const states = truth.node_runs?.map((run) => [runKey(run.node, run.iteration), run.state] as const);
      expect(new Map([...record.runs].map(([key, run]) => [key, run.state]))).toEqual(new Map(states));
    });
    const truth = server.snapshot(server.told.length);
    expect(record.execution?.status).toBe(truth.status);
    expect(record.execution?.error).toEqual(truth.error);
    const known = [...record.runs].map(([key, run]) => [key, told(run)] as const).sort();
    expect(known).toEqual(truth.node_runs?.map((run) => [runKey(run.node, run.iteration), told(run)] as const).sort());
    expect(record.lines.map((line) => line.seq)).toEqual(server.log(0, server.told.length).map((line) => line.seq));
  });

  test("an old snapshot undoes nothing", () => {
    const server = new Server(history(random(7)));
    const record = new RunRecord();
    record.read(server.snapshot(20));
    const after = server.snapshot(20);
    record.read(server.snapshot(5));
    expect(record.execution?.seq).toBe(after.seq);
  });

  test("an old word of its start does not undo an end that was read; a retry's does", () => {
    const record = new RunRecord();
    record.read({
      id: "e",
      seq: 0,
      node_runs: [],
      status: "failed",
      error: { name: "E", message: "m" },
      finished_at: at(3),
    } as unknown as Execution);
    const started = (seq: number) =>
      ({ type: "execution.started", execution_id: "e", workflow_id: "w", seq, time: at(seq) }) as RunMessage;
    record.hear(started(1));
    expect(record.execution).toMatchObject({ status: "failed", error: { name: "E" }, finished_at: at(3) });
    expect(record.hear(started(4))).toBe("now");
    expect(record.execution).toMatchObject({ status: "running", error: null, finished_at: null });
  });

  test("a node keeps its object while it looks the same", () => {
    const server = new Server(history(random(3)));
    const record = new RunRecord();
    record.read(server.snapshot(server.told.length));
    const first = record.standings().standings;
    record.read(server.snapshot(server.told.length));
    const second = record.standings().standings;
    expect(first.size).toBeGreaterThan(0);
    for (const [node, standing] of first) expect(second.get(node)).toBe(standing);
  });

  test("a skipped number asks for a reading at once, the next in turn does not", () => {
    const record = new RunRecord();
    record.read({ id: "e", seq: 1, node_runs: [], status: "running" } as unknown as Execution);
    record.readLog([], 1);
    const line = (seq: number) =>
      ({
        type: "node.log",
        execution_id: "e",
        workflow_id: "w",
        seq,
        time: at(seq),
        level: "info",
        message: "m",
        node: "n",
      }) as RunMessage;
    expect(record.hear(line(2))).toBe("nothing");
    expect(record.hear(line(4))).toBe("now");
    record.readLog([line(3) as unknown as LogLine], 4);
    expect(record.hear(line(5))).toBe("nothing");
    expect(record.lines.map((each) => each.seq)).toEqual([2, 3, 4, 5]);
  });

  test("the oldest lines make room and do not come back", () => {
    const record = new RunRecord();
    const lines = Array.from({ length: MOST_LINES + 10 }, (_, index) => ({ seq: index + 1, message: "" }) as LogLine);
    record.readLog(lines, 0);
    expect(record.lines.length).toBeLessThanOrEqual(MOST_LINES);
    record.readLog(lines.slice(0, 50), 0);
    expect(record.lines[0]?.seq).toBeGreaterThan(50);
    expect(record.lines.at(-1)?.seq).toBe(MOST_LINES + 10);
  });
});
