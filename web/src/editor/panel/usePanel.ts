// What the panel reads of the server: the last run, pins, the node's type, and what its configuration comes to.
import { keepPreviousData, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { create } from "zustand";
import { ApiError, api, type Schemas, told } from "@/api/client";
import { nodeSchemaQuery } from "@/api/queries";
import { within } from "@/forms/SchemaForm";
import type { FieldProblem, Preview } from "@/forms/surroundings";
import { useRunNews } from "@/live/hooks";
import { useEditor } from "../store/store";
import type { NodeDoc } from "../store/types";
import { type Known, namedIn, sourcesOf, type Turn } from "./data";

export type Tested = Schemas["NodeTestResult"];

/** What nodes gave when they were tested here: kept while the page is open. */
export const useTests = create<{ results: Record<string, Tested> }>(() => ({ results: {} }));
export const testKey = (workflowId: string | null, nodeId: string) => `${workflowId ?? "new"} ${nodeId}`;

const lastRunQuery = (workflowId: string | null) =>
  queryOptions({
    queryKey: ["last-run", workflowId],
    enabled: workflowId !== null,
    placeholderData: undefined,
    queryFn: async () => {
      const path = { id: workflowId ?? "" };
      const page = await told(
        api.GET("/api/agentic/workflows/{id}/executions", { params: { path, query: { limit: 1 } } }),
      );
      const [last] = page.items;
      if (!last) return null;
      return told(api.GET("/api/agentic/executions/{id}", { params: { path: { id: last.id } } }));
    },
  });

const pinsQuery = (workflowId: string | null) =>
  queryOptions({
    queryKey: ["pins", workflowId],
    enabled: workflowId !== null,
    queryFn: () => told(api.GET("/api/agentic/workflows/{id}/pins", { params: { path: { id: workflowId ?? "" } } })),
  });

export type RunRecord = Schemas["Execution"];

/** The last run and the pins of a workflow, and what is known of each node's output by them. */
export function useKnown(workflowId: string | null) {
  useRunNews("last-run");
  const { data: run, isLoading: runIsRead } = useQuery(lastRunQuery(workflowId));
  const { data: pins, isLoading: pinsAreRead } = useQuery(pinsQuery(workflowId));
  const known = useMemo(() => {
    const found = new Map<string, Known>();
    for (const each of run?.node_runs ?? []) {
      if (each.state === "skipped") continue;
      found.set(each.node, {
        output: each.output,
        state: each.state,
        port: each.port ?? null,
        from: "run",
        error: each.error ?? null,
        duration_ms: each.duration_ms ?? null,
      });
    }
    for (const pin of pins?.items ?? [])
      found.set(pin.node, { output: pin.output, state: "succeeded", port: pin.port ?? "main", from: "pin" });
    return found;
  }, [run, pins]);
  return { run: run ?? null, known, reading: runIsRead || pinsAreRead };
}

export function usePinning(workflowId: string | null, nodeId: string) {
  const queries = useQueryClient();
  const path = { id: workflowId ?? "", node: nodeId };
  const read = () => queries.invalidateQueries({ queryKey: ["pins", workflowId] });
  return {
    pin: async (output: unknown, port: string) => {
      await told(api.PUT("/api/agentic/workflows/{id}/pins/{node}", { params: { path }, body: { output, port } }));
      await read();
    },
    unpin: async () => {
      await api.DELETE("/api/agentic/workflows/{id}/pins/{node}", { params: { path } });
      await read();
    },
  };
}

/** The value once it has stood still. */
function useSettled<T>(value: T, pause_ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const soon = setTimeout(() => setSettled(value), pause_ms);
    return () => clearTimeout(soon);
  }, [value, pause_ms]);
  return settled;
}

const PAUSE_MS = 200;

/** What the server makes of the node as it is on the screen: its expressions' values, and what is wrong with it. */
export function usePreview(workflowId: string | null, nodeId: string, run: RunRecord | null) {
  const document = useSettled(
    useEditor((state) => state.document),
    PAUSE_MS,
  );
  const { data, error } = useQuery({
    queryKey: ["expression-preview", workflowId, nodeId, run?.id ?? null, run?.status ?? null, withoutPlaces(document)],
    placeholderData: keepPreviousData,
    enabled: document.nodes.some((node) => node.id === nodeId),
    gcTime: 10_000,
    queryFn: async ({ signal }) => ({
      config: document.nodes.find((node) => node.id === nodeId)?.config ?? {},
      ...(await told(
        api.POST("/api/agentic/expressions/preview", {
          signal,
          body: { document, node: nodeId, workflow_id: workflowId, outputs: {} },
        }),
      )),
    }),
  });
  return useMemo(() => {
    const previews: Record<string, Preview> = {};
    for (const each of data?.fields ?? []) {
      // Before the first run there is nothing to say of any value.
      if (data?.execution_id === null && each.error) continue;
      previews[within(each.field, "config")] = {
        value: each.value,
        error: each.error ?? null,
        hint: each.hint ?? null,
      };
    }
    const told = (data?.problems ?? []).map(
      (each): FieldProblem => ({
        field: each.field ?? "",
        message: each.message,
        hint: each.hint ?? null,
        severity: each.severity ?? "error",
      }),
    );
    const wrong = told.some((each) => each.severity !== "warning");
    const ofConfig = (each: FieldProblem) => each.field === "config" || each.field.startsWith("config.");
    return {
      previews,
      /** Of the configuration, by its fields. */
      problems: told.filter(ofConfig).map((each) => ({ ...each, field: within(each.field, "config") })),
      /** Of the node itself: its connections, its retries. */
      others: told.filter((each) => !ofConfig(each)),
      /** In a loop: what its last turn was given. */
      turn: turnOf(data?.turn ?? []),
      /** The configuration that was judged, with what its expressions give; null while it is wrong. */
      values: data && !wrong ? withGiven(data.config, previews) : null,
      error: error instanceof ApiError ? error : null,
    };
  }, [data, error]);
}

function turnOf(told: Schemas["FieldPreview"][]): Turn | null {
  const [item, index] = ["item", "index"].map((name) => told.find((each) => each.field === name && !each.error));
  return item && index ? { item: item.value, index: Number(index.value) } : null;
}

function withGiven(config: Record<string, unknown>, previews: Record<string, Preview>): Record<string, unknown> {
  const values = { ...config };
  for (const [path, each] of Object.entries(previews))
    if (!path.includes(".") && !each.error && each.value !== undefined) values[path] = each.value;
  return values;
}

/** Moving a node changes nothing that a preview says. */
const withoutPlaces = ({
  nodes,
  connections,
  settings,
}: {
  nodes: NodeDoc[];
  connections: unknown;
  settings: unknown;
}) => ({
  nodes: nodes.map(({ position, notes, ...rest }) => rest),
  connections,
  settings,
});

export const useSchema = (type: string) => useQuery(nodeSchemaQuery(type));

/** Runs the node alone, on what is known of those that lead into it and of those it names. */
export function useTest(workflowId: string | null, node: NodeDoc, run: RunRecord | null, known: Map<string, Known>) {
  const document = useEditor((state) => state.document);
  const key = testKey(workflowId, node.id);
  return async () => {
    const direct = sourcesOf(document, node.id).filter((each) => each.direct);
    const wanted = new Set([...direct.map((each) => each.id), ...namedIn(node.config)]);
    const inputs: Record<string, unknown> = {};
    for (const id of wanted) {
      const one = known.get(id);
      if (one && one.state === "succeeded") inputs[id] = one.output;
    }
    const result = await told(
      api.POST("/api/agentic/nodes/test", {
        body: {
          type: node.type,
          config: node.config,
          inputs,
          payload: run?.payload ?? {},
          account: String(document.settings.broker_account ?? "paper"),
        },
      }),
    );
    useTests.setState(({ results }) => ({ results: { ...results, [key]: result } }));
    return result;
  };
}
