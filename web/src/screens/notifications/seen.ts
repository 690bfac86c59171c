// Which notifications this browser has shown: everything up to a moment.
import { useSyncExternalStore } from "react";
import type { Told } from "./queries";

const KEY = "tradeloom.notifications.seen";
const heard = new Set<() => void>();

const seenUntil = (): string => localStorage.getItem(KEY) ?? "";

/** Everything told up to this moment was seen; time never goes back. */
export function markSeen(time: string): void {
  if (time <= seenUntil()) return;
  localStorage.setItem(KEY, time);
  for (const hear of heard) hear();
}

function onSeen(hear: () => void): () => void {
  heard.add(hear);
  addEventListener("storage", hear); // another tab marked them
  return () => {
    heard.delete(hear);
    removeEventListener("storage", hear);
  };
}

export const useSeenUntil = (): string => useSyncExternalStore(onSeen, seenUntil);

export const unseen = (items: readonly Told[], until: string): Told[] => items.filter(({ time }) => time > until);

/** Items by the day they were told (UTC), in the order they came. */
export function byDay(items: readonly Told[]): [string, Told[]][] {
  const days = new Map<string, Told[]>();
  for (const item of items) {
    const day = item.time.slice(0, 10);
    days.set(day, [...(days.get(day) ?? []), item]);
  }
  return [...days];
}
