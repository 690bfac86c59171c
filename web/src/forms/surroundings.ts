// What stands around a form: what the server says of its values, and what its widgets may offer.
import { createContext, useContext } from "react";
import { create } from "zustand";
import type { Reference } from "./insert";

/** `field` is a path from the form's own values: `stop_loss`, `rules.0.path`; "" is the whole. */
export type FieldProblem = { field: string; message: string; hint?: string | null; severity?: "error" | "warning" };

/** What an expression gives on the last data, or why it gives nothing. */
export type Preview = { value?: unknown; error?: string | null; hint?: string | null };

export type Completion = { label: string; detail?: string; info?: string; kind: "node" | "field" | "function" };

export type Surroundings = {
  /** Whether fields take expressions. */
  expressions: boolean;
  problems: FieldProblem[];
  previews: Record<string, Preview>;
  /** The account whose symbols and clock count. */
  account: string | undefined;
  completions: Completion[];
  /** The credential kinds that fit, when the form knows them. */
  credentialKinds: string[];
  /** Puts the form's ids apart where several stand on a page. */
  prefix: string;
};

export const PLAIN: Surroundings = {
  expressions: false,
  problems: [],
  previews: {},
  account: undefined,
  completions: [],
  credentialKinds: [],
  prefix: "form",
};

export const SurroundingsContext = createContext<Surroundings>(PLAIN);
export const useSurroundings = (): Surroundings => useContext(SurroundingsContext);

/** Problems of a path and, with `within`, of what lies inside it. */
export const problemsAt = (problems: FieldProblem[], path: string, within: boolean): FieldProblem[] =>
  problems.filter((each) => each.field === path || (within && each.field.startsWith(`${path}.`)));

type Target = {
  path: string;
  title: string;
  /** What has the focus of it, to which the focus comes back. */
  element: HTMLElement;
  insert: (reference: Reference) => void;
};

/** The field that a reference chosen by keyboard goes into: the last one that had the focus. */
export const useTarget = create<{ target: Target | null; take: (target: Target | null) => void }>((set) => ({
  target: null,
  take: (target) => set({ target }),
}));
