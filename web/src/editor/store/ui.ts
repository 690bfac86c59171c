// What is open around the canvas. Not part of the document, and not undone.
import { create } from "zustand";
import type { Point } from "./types";

/** Where the node goes that is chosen in the palette. */
export type Place = {
  /** After this output. */
  after?: { node: string; port: string };
  /** Into this connection. */
  into?: string;
  at?: Point;
};
type Sheet = "commands" | "nodes" | "shortcuts" | "settings" | "problems" | "conflict";
type UiState = {
  palette: boolean;
  /** Counts how often a node was asked for: each time the palette's search takes the focus. */
  asked: number;
  place: Place | null;
  sheet: Sheet | null;
  /** The note or group whose words are written. */
  editing: string | null;
  minimap: boolean;
  snap: boolean;
};

/** A phone: the palette lies over the canvas there, and is shut until it is asked for. */
const narrow = (): boolean => globalThis.matchMedia?.("(max-width: 767px)").matches ?? false;

export const useUi = create<UiState>(() => ({
  palette: !narrow(),
  asked: 0,
  place: null,
  sheet: null,
  editing: null,
  minimap: true,
  snap: true,
}));

export const openPalette = (place: Place | null = null): void =>
  useUi.setState(({ asked }) => ({ palette: true, place, asked: asked + 1 }));
export const closePalette = (): void => useUi.setState({ palette: false, place: null });
/** A node was put where it was asked for. */
export const placed = (): void => useUi.setState(narrow() ? { place: null, palette: false } : { place: null });
export const openSheet = (sheet: Sheet | null): void => useUi.setState({ sheet });
export const startWriting = (id: string): void => useUi.setState({ editing: id });
