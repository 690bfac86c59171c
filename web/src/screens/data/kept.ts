// What stands in the query's fields is kept in this browser: leaving the screen or reloading loses nothing.
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { type Drawn, drawnOf } from "./builder";

type Kept = {
  mode: "builder" | "sql";
  drawn: Drawn;
  sql: string;
  values: Record<string, string>;
  limit: number;
};

export const useKept = create<Kept>()(
  persist(() => ({ mode: "builder", drawn: drawnOf(""), sql: "", values: {}, limit: 1_000 }) as Kept, {
    name: "tradeloom.data",
    version: 1,
  }),
);

export const keep = useKept.setState;
