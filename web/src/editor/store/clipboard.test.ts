import { asText, fromText, partsOf, paste, renameIn } from "./clipboard";
import type { WorkflowDocument } from "./types";

const at = (x: number, y: number) => ({ x, y });
const DOCUMENT: WorkflowDocument = {
  name: "W",
  nodes: [
    { id: "rsi", type: "indicator.rsi", name: "RSI 14", position: at(0, 0), config: { period: 14 } },
    { id: "loop", type: "utility.loop", name: "Loop", position: at(200, 0), config: {} },
    {
      id: "dip",
      type: "condition.if",
      name: "Dip?",
      position: at(200, 200),
      parent: "loop",
      config: { expression: "= nodes.rsi.value < 30 && nodes.other.ok", text: "nodes.rsi is {{ nodes.rsi.value }}" },
    },
  ],
  connections: [{ source: "rsi", source_port: "main", target: "loop", target_port: "main" }],
  notes: [{ id: "note", text: "why", position: at(0, 100), width: 200, height: 100, tint: "yellow" }],
  settings: {},
};

test("a copy brings loop bodies and the connections among what was chosen, through text and back", () => {
  const parts = fromText(asText(partsOf(DOCUMENT, new Set(["rsi", "loop", "note"]))));
  expect(parts?.nodes.map(({ id }) => id)).toEqual(["rsi", "loop", "dip"]);
  expect(parts?.connections).toHaveLength(1);
  expect(parts?.notes).toHaveLength(1);
});

test("pasted parts have ids of their own, and speak of one another by them", () => {
  const parts = partsOf(DOCUMENT, new Set(["rsi", "loop"]));
  const { document, ids } = paste(DOCUMENT, parts, at(1000, 1000));
  expect(ids).toEqual(["rsi_2", "loop_2", "dip_2"]);
  const dip = document.nodes.find(({ id }) => id === "dip_2");
  expect(dip?.parent).toBe("loop_2");
  expect(dip?.config).toEqual({
    expression: "= nodes.rsi_2.value < 30 && nodes.other.ok",
    text: "nodes.rsi is {{ nodes.rsi_2.value }}",
  });
  expect(dip?.position).toEqual(at(1200, 1200));
  expect(document.connections.at(-1)).toMatchObject({ source: "rsi_2", target: "loop_2" });
  expect(document.nodes.find(({ id }) => id === "rsi_2")?.name).toBe("RSI 14 (2)");
  expect(new Set(document.nodes.map(({ id }) => id)).size).toBe(document.nodes.length);
});

test("brackets name a node too", () => {
  expect(renameIn('= nodes["rsi"].value', new Map([["rsi", "x"]]))).toBe('= nodes["x"].value');
});

test("a text without nodes is nothing to paste", () => {
  for (const text of ["", "hello", "[]", "null", '{"nodes": 3}', '{"nodes": [null]}', '{"nodes": [{"id": 3}]}']) {
    expect(fromText(text)).toBeNull();
  }
});
