import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { api, told } from "@/api/client";
import { saveFile } from "@/ui/save";
import { toast } from "@/ui/toast";
import { type Command, commandsOf } from "./commands";
import { debugNow, refused, runNow } from "./running/run";
import { saver } from "./saving/one";
import { useSaving } from "./saving/state";
import { useEditor } from "./store/store";
import type { NodeType, WorkflowDocument } from "./store/types";
import { openSheet } from "./store/ui";

async function save(done: string): Promise<boolean> {
  const saved = await saver.save();
  const { error, state } = useSaving.getState();
  if (saved) toast.done(done);
  else if (state === "conflict") openSheet("conflict");
  else {
    refused(error);
    toast.failed(error);
  }
  return saved !== null;
}

/** What its triggers start is what is on the screen: changes are saved first. */
async function toggleActive(words: { saved: string; on: string; off: string }): Promise<void> {
  const { saved, state } = useSaving.getState();
  if (!saved?.active && state !== "saved" && !(await save(words.saved))) return;
  const id = saver.id;
  if (id === null) {
    if (await save(words.saved)) await toggleActive(words);
    return;
  }
  try {
    const toggled = await told(
      api.POST("/api/agentic/workflows/{id}/toggle", { params: { path: { id } }, body: { active: !saved?.active } }),
    );
    saver.switched(toggled);
    toast.done(toggled.active ? words.on : words.off);
  } catch (error) {
    toast.failed(error);
  }
}

function download(workflow: WorkflowDocument): void {
  const name = `${workflow.name.replace(/[^\w-]+/g, "_") || "workflow"}.json`;
  saveFile(name, new Blob([JSON.stringify(workflow, null, 2)], { type: "application/json" }));
}

export function useCommands(types: ReadonlyMap<string, NodeType>): Command[] {
  const { t } = useTranslation("editor");
  const [, go] = useLocation();
  return useMemo(
    () =>
      commandsOf({
        types,
        save: () => void save(t("save.done")),
        run: () => void runNow(false),
        test: () => void runNow(true),
        debug: () => void debugNow().then((id) => id !== null && go(`/executions/${id}`)),
        toggleActive: () =>
          void toggleActive({ saved: t("save.done"), on: t("toolbar.activated"), off: t("toolbar.deactivated") }),
        exportFile: () => download(useEditor.getState().document),
      }),
    [types, t, go],
  );
}
