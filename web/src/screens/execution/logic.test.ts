import { expect, test } from "vitest";
import { asDocument, connectionKey } from "@/editor/store/types";
import type { LogLine, NodeRun } from "@/live/run-record";
import { standingOf } from "@/live/standing";
import { addedAtEnd, EVERYTHING, FilteredLog, fitted, windowOf } from "./log-filter";
import { RunMarks } from "./run-marks";
import { place, roundStep, rowsOf, scaleOf } from "./timeline";

const at = (ms: number) => new Date(1_000_000 + ms).toISOString();
const run = (node: string, from: number, to: number | null, more: Partial<NodeRun> = {}): NodeRun =>
  ({
    node,
    name: node,
    type: "",
    state: to === null ? "running" : "succeeded",
    attempts: 1,
    started_at: at(from),
    finished_at: to === null ? null : at(to),
    ...more,
  }) as NodeRun;

test("rows stand in the order of their first start and what runs reaches to now", () => {
  const rows = rowsOf([run("b", 50, null), run("a", 0, 40), run("a", 60, 70, { iteration: [1] })], 1_000_100);
  expect(rows.map((row) => [row.node, row.bars.length, row.to - 1_000_000])).toEqual([
    ["a", 2, 70],
    ["b", 1, 100],
  ]);
  const scale = scaleOf(rows, null);
  expect(scale.ticks).toEqual([0, 20, 40, 60, 80, 100]);
  expect(place(rows[1]?.bars[0] as never, scale)).toEqual({ left: 50, width: 50 });
});

test("nothing that ran makes a scale all the same", () => {
  expect(scaleOf([], null).ticks.length).toBeGreaterThan(0);
  expect([0.2, 3, 12, 51, 400].map(roundStep)).toEqual([1, 5, 20, 100, 500]);
});

const line = (seq: number, more: Partial<LogLine> = {}): LogLine =>
  ({ seq, time: at(seq), level: "info", message: `m${seq}`, node: "a", ...more }) as LogLine;

test("a filtered log grows with the log and starts anew when lines come between or others are wanted", () => {
  const log = new FilteredLog();
  const lines = [line(1), line(3, { level: "error" })];
  const errors = { ...EVERYTHING, level: "error" as const };
  const seqs = (filter = errors) => log.of(lines, filter).map((each) => each.seq);
  expect(seqs()).toEqual([3]);
  lines.push(line(4, { level: "error" }));
  expect(seqs()).toEqual([3, 4]);
  lines.splice(1, 0, line(2, { level: "error" }));
  expect(seqs()).toEqual([2, 3, 4]);
  lines.splice(0, 2);
  expect(seqs()).toEqual([3, 4]);
  expect(seqs({ ...EVERYTHING, text: "M3" } as never)).toEqual([3]);
  expect(log.of(lines, { ...EVERYTHING, node: "b" })).toEqual([]);
});

test("what came at a log's end is counted from its end", () => {
  expect(addedAtEnd([], 0)).toBe(0);
  expect(addedAtEnd([line(3), line(5), line(9)], 5)).toBe(1);
  expect(addedAtEnd([line(3), line(5), line(9)], 9)).toBe(0);
  expect(addedAtEnd([line(3), line(5)], 0)).toBe(2);
});

test("a name is cut to its column, by what its letters take", () => {
  expect(fitted("Moving average", 14)).toBe("Moving average");
  expect(fitted("Moving average 2", 14)).toBe("Moving averag…");
  expect(fitted("移动平均线", 10)).toBe("移动平均线");
  expect(fitted("移动平均线", 9)).toBe("移动平…");
  expect(fitted("", 3)).toBe("");
});

test("only the lines in sight are drawn", () => {
  expect(windowOf(10_000, 20, 2_000, 200)).toEqual([92, 118]);
  expect(windowOf(3, 20, 0, 200)).toEqual([0, 3]);
});

test("marks tell where the run went, and stay the same while nothing changed", () => {
  const document = asDocument({
    nodes: [{ id: "if" }, { id: "yes" }, { id: "no" }, { id: "loop" }, { id: "body" }],
    connections: [
      { source: "if", source_port: "true", target: "yes" },
      { source: "if", source_port: "false", target: "no" },
      { source: "loop", source_port: "item", target: "body" },
    ],
  });
  const standings = new Map([
    ["if", standingOf([run("if", 0, 1, { port: "true", output: { count: 4 } })])],
    ["loop", standingOf([run("loop", 0, 1, { port: "main" })])],
    ["body", standingOf([run("body", 0, 1, { iteration: [0] }), run("body", 1, 2, { iteration: [1] })])],
  ]);
  const marks = new RunMarks({ onChange: () => () => {}, view: { standings } } as never, document);
  const [yes, no, item] = document.connections.map((each) => marks.edge(connectionKey(each)));
  expect([yes, no, item]).toEqual([{ status: "taken", items: 4 }, { status: "idle" }, { status: "taken", items: 2 }]);
  expect(marks.node("if")?.status).toBe("succeeded");
  expect(marks.node("if")).toBe(marks.node("if"));
  marks.setBreakpoints(new Set(["yes"]));
  expect(marks.node("yes")).toEqual({ breakpoint: true });
});
