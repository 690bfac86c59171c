// What accompanies a person through the console: the first-run tour, and the guide of a template that became a workflow.
import { create } from "zustand";
import { persist } from "zustand/middleware";

export type TourStep = "choose" | "look" | "change" | "run" | "watch";
export const TOUR_STEPS: TourStep[] = ["choose", "look", "change", "run", "watch"];

export type Tour = { step: TourStep; template?: string; workflow?: string; execution?: string };
export type Guide = { template: string; workflow: string; done: number[] };

type State = {
  /** Offered once: it was taken or declined. */
  offered: boolean;
  tour: Tour | null;
  guide: Guide | null;
  decline: () => void;
  start: () => void;
  go: (part: Partial<Tour>) => void;
  leave: () => void;
  begin: (guide: Omit<Guide, "done">) => void;
  tick: (step: number) => void;
  close: () => void;
};

/** Kept over a reload: half a tour is no use. */
export const useGuide = create<State>()(
  persist(
    (set) => ({
      offered: false,
      tour: null,
      guide: null,
      decline: () => set({ offered: true }),
      start: () => set({ offered: true, guide: null, tour: { step: "choose" } }),
      go: (part) => set(({ tour }) => ({ tour: tour && { ...tour, ...part } })),
      leave: () => set({ tour: null }),
      begin: (guide) => set({ guide: { ...guide, done: [] } }),
      tick: (step) =>
        set(({ guide }) => ({
          guide: guide && {
            ...guide,
            done: guide.done.includes(step) ? guide.done.filter((each) => each !== step) : [...guide.done, step],
          },
        })),
      close: () => set({ guide: null }),
    }),
    { name: "tradeloom.guide", version: 1 },
  ),
);
