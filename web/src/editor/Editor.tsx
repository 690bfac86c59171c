import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Notice";
import { Canvas } from "./canvas/Canvas";
import { Empty } from "./canvas/Empty";
import { Tools } from "./canvas/Tools";
import { useTypes } from "./canvas/types";
import { Palette } from "./palette/Palette";
import { useEditorMarks } from "./running/marks";
import { RunBar, useRunView } from "./running/RunBar";
import { useLastRun } from "./running/run";
import { useValidation } from "./running/validation";
import { saver } from "./saving/one";
import { useSaving } from "./saving/state";
import { Sheets } from "./sheets/Sheets";
import { openPanel, useEditor } from "./store/store";
import type { NodeType } from "./store/types";
import { useUi } from "./store/ui";
import { Toolbar } from "./toolbar/Toolbar";
import { useCommands } from "./useCommands";
import { useKeys } from "./useKeys";
import "./editor.css";

const NodePanel = lazy(() => import("./panel/NodePanel").then((module) => ({ default: module.NodePanel })));

/** Draws and runs a workflow; `new` is one that was never saved. */
export default function Editor({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "new";
  const types = useTypes();
  const { opened, error, again } = useOpened(id);
  if (error) return <Failed error={error} again={again} />;
  if (!opened || types === undefined) return <Waiting />;
  return <Opened types={types} />;
}

function Waiting() {
  const { t } = useTranslation("app");
  return (
    <p role="status" className="p-6 text-soft">
      {t("loading")}
    </p>
  );
}

function Failed({ error, again }: { error: unknown; again: () => void }) {
  const { t } = useTranslation("app");
  return (
    <div className="p-6">
      <Failure error={error} action={<Button onClick={again}>{t("retry")}</Button>} />
    </div>
  );
}

function useOpened(id: string) {
  const { t } = useTranslation("editor");
  const [opened, setOpened] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words of another language open nothing anew
  useEffect(() => {
    let gone = false;
    useUi.setState({ sheet: null, place: null, editing: null });
    if (saver.resume(id)) {
      setOpened(true);
      return () => saver.close();
    }
    useLastRun.setState({ run: null, error: null });
    setError(null);
    const empty = { name: t("toolbar.newName"), nodes: [], connections: [], settings: {} };
    (id === "new" ? saver.openNew(empty) : saver.open(id)).then(
      () => !gone && setOpened(true),
      (reason: unknown) => !gone && setError(reason),
    );
    return () => {
      gone = true;
      saver.close();
    };
  }, [id, tries]);
  return { opened, error, again: () => setTries(tries + 1) };
}

function Opened({ types }: { types: ReadonlyMap<string, NodeType> }) {
  const { t } = useTranslation("editor");
  const commands = useCommands(types);
  const palette = useUi((state) => state.palette);
  const name = useEditor((state) => state.document.name);
  const view = useRunView();
  const marks = useEditorMarks(view);
  useKeys(commands);
  useValidation();
  useAddress();
  useEffect(() => {
    document.title = `${name || t("toolbar.unnamed")} · Tradeloom`;
  }, [name, t]);
  return (
    <div className="editor">
      <h1 className="sr-only">{name}</h1>
      <Toolbar commands={commands} />
      <div className="flex min-h-0 flex-1">
        {palette && <Palette types={types} />}
        <div className="relative min-w-0 flex-1">
          <Canvas types={types} marks={marks} />
          <Empty />
          <Tools commands={commands} />
        </div>
        <Panel />
      </div>
      <RunBar view={view} />
      <Sheets commands={commands} types={types} />
    </div>
  );
}

function Panel() {
  const opened = useEditor((state) => state.opened);
  const workflowId = useEditor((state) => state.workflowId);
  if (opened === null) return null;
  return (
    <Suspense fallback={null}>
      <NodePanel key={opened} workflowId={workflowId} nodeId={opened} onClose={() => openPanel(null)} />
    </Suspense>
  );
}

/** A new workflow gets its address with its first save; lists read it anew. */
function useAddress(): void {
  const [, go] = useLocation();
  const queries = useQueryClient();
  const saved = useSaving((saving) => saving.saved);
  useEffect(() => {
    if (saved === null) return;
    void queries.invalidateQueries({ queryKey: ["workflows"] });
    if (location.hash === "#/workflows/new") go(`/workflows/${saved.id}`, { replace: true });
  }, [saved, go, queries]);
}
