// React's way to a watched run: parts of it, each drawn only when it changes.
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { type RunView, RunWatch } from "./run-watch";
import type { NodeStanding } from "./standing";

/** The run of this id, watched while the component stands. */
export function useRunWatch(id: string): RunWatch {
  const [watch, setWatch] = useState(() => new RunWatch(id));
  const right = watch.id === id ? watch : new RunWatch(id);
  if (right !== watch) setWatch(right);
  useEffect(() => {
    right.open();
    return () => right.close();
  }, [right]);
  return right;
}

const Watched = createContext<RunWatch | null>(null);
export const RunProvider = Watched.Provider;

export function useWatch(): RunWatch {
  const watch = useContext(Watched);
  if (watch === null) throw new Error("no run is watched here");
  return watch;
}

/** A part of the run. `pick` gives the same object for as long as that part does not change. */
export function useRun<T>(pick: (view: RunView) => T): T {
  const watch = useWatch();
  return useSyncExternalStore(watch.onChange, () => pick(watch.view));
}

/** How a node stands in the run that is watched here; undefined outside of one, and for a node that has not run. */
export function useNodeStanding(node: string): NodeStanding | undefined {
  const watch = useContext(Watched);
  return useSyncExternalStore(watch?.onChange ?? never, () => watch?.view.standings.get(node));
}

const never = () => () => {};
