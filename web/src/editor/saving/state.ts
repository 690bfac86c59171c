// How what is on the screen is kept: what the saver says, and the toolbar and the sheets show.
import { create } from "zustand";
import type { WorkflowDocument } from "../store/types";
import type { Saved } from "./api";

export type SaveState =
  /** As the server has it. */
  | "saved"
  /** Changed; the draft goes out in a moment, or is on its way. */
  | "keeping"
  /** The server has the draft. */
  | "draft"
  /** Never saved: it is in this browser only. */
  | "local"
  | "saving"
  /** The server does not answer; it is in this browser, and goes out once it does. */
  | "offline"
  | "conflict"
  | "failed";

export type Conflict = { kind: "draft" | "version"; document: WorkflowDocument; version: string; draft: string | null };
type Saving = {
  state: SaveState;
  /** The workflow as the server has it; null for a new one. */
  saved: Saved | null;
  conflict: Conflict | null;
  error: unknown;
};

export const useSaving = create<Saving>(() => ({ state: "saved", saved: null, conflict: null, error: null }));
