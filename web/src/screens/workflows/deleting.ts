// A workflow is deleted a few seconds after it was asked for, so that it can be taken back. It starts nothing meanwhile.
import i18next from "i18next";
import { create } from "zustand";
import { api } from "@/api/client";
import { token } from "@/api/token";
import { toast } from "@/ui/toast";
import { setActive, workflowsChanged } from "./actions";
import type { Summary } from "./listing";

const UNDO_MS = 8_000;

/** Ids that are gone for the eye already. */
export const useDeleting = create<{ ids: ReadonlySet<string> }>(() => ({ ids: new Set() }));
const timers = new Map<string, ReturnType<typeof setTimeout>>();

const shown = (id: string, hidden: boolean) =>
  useDeleting.setState(({ ids }) => {
    const next = new Set(ids);
    if (hidden) next.add(id);
    else next.delete(id);
    return { ids: next };
  });

export async function deleteSoon(workflow: Pick<Summary, "id" | "name" | "active">): Promise<void> {
  const { id, name, active } = workflow;
  shown(id, true);
  try {
    if (active) await setActive(id, false);
  } catch (error) {
    shown(id, false);
    toast.failed(error);
    return;
  }
  timers.set(
    id,
    setTimeout(() => void deleteNow(id), UNDO_MS),
  );
  const undo = { label: i18next.t("workflows:undo"), act: () => void takeBack(workflow) };
  toast.undoable(i18next.t("workflows:deleted", { name }), undo, UNDO_MS - 500);
}

async function deleteNow(id: string): Promise<void> {
  timers.delete(id);
  try {
    await api.DELETE("/api/agentic/workflows/{id}", { params: { path: { id } } });
    await workflowsChanged();
  } catch (error) {
    toast.failed(error);
  }
  shown(id, false);
}

async function takeBack({ id, name, active }: Pick<Summary, "id" | "name" | "active">): Promise<void> {
  const timer = timers.get(id);
  if (timer === undefined) return;
  clearTimeout(timer);
  timers.delete(id);
  try {
    if (active) await setActive(id, true);
    toast.done(i18next.t("workflows:undone", { name }));
  } catch (error) {
    toast.failed(error);
  }
  shown(id, false);
  await workflowsChanged();
}

// Whoever closes the page meant what was asked for.
addEventListener("pagehide", () => {
  for (const [id, timer] of timers) {
    clearTimeout(timer);
    void fetch(`/api/agentic/workflows/${encodeURIComponent(id)}`, {
      method: "DELETE",
      keepalive: true,
      headers: { Authorization: `Bearer ${token()}` },
    });
  }
  timers.clear();
});
