import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { allRunsChannel, runEvents } from "./run-events";

export const useLive = (): boolean => useSyncExternalStore(runEvents.onChange, () => runEvents.live);

const READ_MS = 250;

/** Reads these queries again whenever a run begins or ends. */
export function useRunNews(...keys: string[]): void {
  const queries = useQueryClient();
  const wanted = keys.join(" ");
  useEffect(() => {
    let soon: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        for (const key of wanted.split(" ")) void queries.invalidateQueries({ queryKey: [key] });
      }, READ_MS);
    };
    const leave = runEvents.subscribe({ channel: allRunsChannel, seq: () => null, ready: read, hear: read });
    return () => {
      clearTimeout(soon);
      leave();
    };
  }, [queries, wanted]);
}
