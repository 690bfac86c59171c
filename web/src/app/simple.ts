// Simple mode: what beginners need not decide is folded away, never out of reach.
import { useSyncExternalStore } from "react";

const KEY = "tradeloom.simple";
const heard = new Set<() => void>();

export const simple = (): boolean => localStorage.getItem(KEY) !== "no";

export function chooseSimple(on: boolean): void {
  localStorage.setItem(KEY, on ? "yes" : "no");
  for (const hear of heard) hear();
}

function onSimple(hear: () => void): () => void {
  heard.add(hear);
  return () => heard.delete(hear);
}

export const useSimple = (): boolean => useSyncExternalStore(onSimple, simple);
