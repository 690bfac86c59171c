// What the server does not have yet, kept in this browser: a closed tab or a dead battery loses nothing.
import type { WorkflowDocument } from "../store/types";

type LocalCopy = {
  document: WorkflowDocument;
  /** The saved version and the draft this was drawn on. */
  base: string | null;
  draft: string | null;
};

const key = (id: string | null): string => `tradeloom.unsaved.${id ?? "new"}`;

export const localCopy = {
  read(id: string | null): LocalCopy | null {
    try {
      const text = localStorage.getItem(key(id));
      return text === null ? null : (JSON.parse(text) as LocalCopy);
    } catch {
      return null;
    }
  },
  /** False where the browser keeps nothing: private windows, a full disk. */
  write(id: string | null, copy: LocalCopy): boolean {
    try {
      localStorage.setItem(key(id), JSON.stringify(copy));
      return true;
    } catch {
      return false;
    }
  },
  drop(id: string | null): void {
    localStorage.removeItem(key(id));
  },
};
