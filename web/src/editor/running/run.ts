// Runs what is on the screen, not what was saved; and keeps the last run to show it on the canvas.
import { create } from "zustand";
import { ApiError, api, told } from "@/api/client";
import { saver } from "../saving/one";
import { useSaving } from "../saving/state";
import { useEditor } from "../store/store";
import { openSheet } from "../store/ui";
import { useProblems } from "./validation";

type Started = { id: string; test: boolean };
type Running = { run: Started | null; starting: boolean; error: unknown };
export const useLastRun = create<Running>(() => ({ run: null, starting: false, error: null }));

/** The workflow's id; a new one is saved first, for a run belongs to a workflow. */
async function workflowId(): Promise<string | null> {
  const { workflowId } = useEditor.getState();
  if (workflowId !== null) return workflowId;
  const saved = await saver.save();
  if (saved === null) refused(useSaving.getState().error);
  return saved?.id ?? null;
}

/** What keeps a document from running is shown as the list of its problems. */
export function refused(error: unknown): void {
  const problems = error instanceof ApiError ? (error.trouble.problems ?? []) : [];
  if (problems.length > 0) {
    useProblems.setState({ problems: problems as never, checked: true });
    openSheet("problems");
  }
}

export async function runNow(test: boolean): Promise<void> {
  if (useLastRun.getState().starting) return;
  useLastRun.setState({ starting: true, error: null });
  try {
    const id = await workflowId();
    if (id === null) return;
    const { document } = useEditor.getState();
    const execution = await told(
      api.POST("/api/agentic/workflows/{id}/execute", {
        params: { path: { id } },
        body: { document, test_mode: test, use_pins: true, wait_s: 0 } as never,
      }),
    );
    useLastRun.setState({ run: { id: execution.id, test } });
  } catch (error) {
    refused(error);
    useLastRun.setState({ error });
  } finally {
    useLastRun.setState({ starting: false });
  }
}

/** Starts a session that pauses before the first node. The execution's id, or null where it did not start. */
export async function debugNow(): Promise<string | null> {
  try {
    const id = await workflowId();
    if (id === null) return null;
    const { document } = useEditor.getState();
    const session = await told(
      api.POST("/api/agentic/workflows/{id}/debug", { params: { path: { id } }, body: { document } as never }),
    );
    return session.execution.id;
  } catch (error) {
    refused(error);
    useLastRun.setState({ error });
    return null;
  }
}
