// What the server does not have yet, kept in this browser: a closed tab or a dead battery loses nothing.
// Each tab keeps its own, so that two never overwrite each other's; what a tab leaves goes to the next that asks.
import type { WorkflowDocument } from "../store/types";

type LocalCopy = {
  document: WorkflowDocument;
  /** The saved version and the draft this was drawn on. */
  base: string | null;
  draft: string | null;
};
type Kept = LocalCopy & { at: number };

const prefix = (id: string | null): string => `tradeloom.unsaved.${id ?? "new"}.`;

export class LocalCopies {
  constructor(
    readonly tab: string,
    /** Whether a tab is closed. */
    readonly gone: (tab: string) => Promise<boolean>,
  ) {}

  /** What this tab keeps; else the newest that a closed one left, which is this tab's from now on. */
  async find(id: string | null): Promise<LocalCopy | null> {
    const own = this.read(id);
    if (own) return own;
    let newest: { key: string; copy: Kept } | null = null;
    for (const [key, tab] of othersOf(id, this.tab)) {
      const copy = parsed(key);
      if (copy && (newest === null || copy.at > newest.copy.at) && (await this.gone(tab))) newest = { key, copy };
    }
    if (newest === null) return null;
    if (this.write(id, newest.copy)) localStorage.removeItem(newest.key);
    return newest.copy;
  }

  read(id: string | null): LocalCopy | null {
    return parsed(prefix(id) + this.tab);
  }

  /** False where the browser keeps nothing: private windows, a full disk. */
  write(id: string | null, { document, base, draft }: LocalCopy): boolean {
    const kept: Kept = { document, base, draft, at: Date.now() };
    try {
      localStorage.setItem(prefix(id) + this.tab, JSON.stringify(kept));
      return true;
    } catch {
      return false;
    }
  }

  drop(id: string | null): void {
    localStorage.removeItem(prefix(id) + this.tab);
  }
}

function parsed(key: string): Kept | null {
  try {
    const text = localStorage.getItem(key);
    return text === null ? null : (JSON.parse(text) as Kept);
  } catch {
    return null;
  }
}

const othersOf = (id: string | null, own: string): [key: string, tab: string][] =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix(id)))
    .map((key): [string, string] => [key, key.slice(prefix(id).length)])
    .filter(([, tab]) => tab !== own);

const LOCK = "tradeloom.tab.";
/** A page that is being left lets go of its lock within that; one that stays holds it. */
const LEAVING_MS = 300;

/** The browser takes a tab's lock away with the tab, however it ends. One without locks has no tabs we know of. */
async function isGone(tab: string): Promise<boolean> {
  if (!navigator.locks) return true;
  const signal = AbortSignal.timeout(LEAVING_MS);
  return navigator.locks.request(LOCK + tab, { mode: "shared", signal }, () => true).catch(() => false);
}

function ownTab(): string {
  const tab = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
  void navigator.locks?.request(LOCK + tab, () => new Promise(() => {}));
  return tab;
}

export const localCopies = new LocalCopies(ownTab(), isGone);
