// The compiler's word on what is on the screen, a moment after each change.
import { useEffect } from "react";
import { create } from "zustand";
import { api, type Schemas, told } from "@/api/client";
import { useEditor } from "../store/store";

export type Problem = Schemas["Problem"];
const AFTER_MS = 500;

/** `checked` is false until the server has judged what is on the screen now. */
export const useProblems = create<{ problems: Problem[]; checked: boolean }>(() => ({ problems: [], checked: false }));

export const errorsIn = (problems: readonly Problem[]): Problem[] =>
  problems.filter((each) => each.severity !== "warning");

export function useValidation(): void {
  const document = useEditor((state) => state.document);
  useEffect(() => {
    const gone = new AbortController();
    useProblems.setState({ checked: false });
    const soon = setTimeout(async () => {
      try {
        const verdict = await told(
          api.POST("/api/agentic/workflows/validate", { body: document as never, signal: gone.signal }),
        );
        if (!gone.signal.aborted) useProblems.setState({ problems: verdict.problems, checked: true });
      } catch {
        // The server does not answer: what it said last stands, and the saver tells of it.
      }
    }, AFTER_MS);
    return () => {
      clearTimeout(soon);
      gone.abort();
    };
  }, [document]);
}
