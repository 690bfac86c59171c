import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunMessage, Subscriber } from "./run-events";
import type { Execution } from "./run-record";
import { type RunSources, RunWatch } from "./run-watch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const execution = (more: Partial<Execution> = {}): Execution =>
  ({ id: "e", seq: 0, status: "running", node_runs: [], ...more }) as unknown as Execution;

const line = (seq: number): RunMessage =>
  ({ type: "node.log", execution_id: "e", workflow_id: "w", seq, time: "2026-01-01T00:00:00Z", message: "m" }) as never;

/** A watch on stand-ins: frames are drawn when the test says so. */
function watched(more: Partial<RunSources> = {}) {
  const frames: (() => void)[] = [];
  const heard: Subscriber[] = [];
  const watch = new RunWatch("e", {
    snapshot: async () => execution(),
    log: async () => ({ items: [], next_after: 0 }),
    subscribe: (subscriber) => {
      heard.push(subscriber);
      return () => {};
    },
    live: () => true,
    frame: (draw) => void frames.push(draw),
    ...more,
  });
  const draw = () => {
    for (const frame of frames.splice(0)) frame();
  };
  return { watch, hear: (message: RunMessage) => heard[0]?.hear(message), frames, draw };
}

test("hundreds of messages between two frames are drawn once", async () => {
  const { watch, hear, frames, draw } = watched();
  watch.open();
  await vi.advanceTimersByTimeAsync(10);
  draw();
  const drawn = vi.fn();
  watch.onChange(drawn);
  for (let seq = 1; seq <= 300; seq++) hear(line(seq));
  expect(frames.length).toBe(1);
  draw();
  expect(drawn).toHaveBeenCalledTimes(1);
  expect(watch.view.lines.length).toBe(300);
  watch.close();
});

test("a server that is gone is told, what was known stays, and it is read again once it is back", async () => {
  let up = true;
  const snapshot = async () => {
    if (!up) throw new Error("gone");
    return execution();
  };
  const { watch, draw } = watched({ snapshot, live: () => false });
  watch.open();
  await vi.advanceTimersByTimeAsync(10);
  draw();
  up = false;
  await vi.advanceTimersByTimeAsync(2_100);
  draw();
  expect(watch.view.error).toEqual(new Error("gone"));
  expect(watch.view.execution?.id).toBe("e");
  up = true;
  await vi.advanceTimersByTimeAsync(2_100);
  draw();
  expect(watch.view.error).toBeNull();
  watch.close();
});

test("it polls only where no messages come, and not what has ended", async () => {
  const snapshot = vi.fn(async () => execution());
  let live = true;
  const { watch } = watched({ snapshot, live: () => live });
  watch.open();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(snapshot).toHaveBeenCalledTimes(1);
  live = false;
  await vi.advanceTimersByTimeAsync(4_100);
  expect(snapshot.mock.calls.length).toBeGreaterThan(1);
  snapshot.mockImplementation(async () => execution({ status: "succeeded" }));
  await vi.advanceTimersByTimeAsync(2_100);
  const before = snapshot.mock.calls.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(snapshot.mock.calls.length).toBe(before);
  watch.close();
});
