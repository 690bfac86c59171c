// Short words at the edge of the screen. Radix's, because it puts no style element into the page.
import { Toast } from "radix-ui";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { ApiError } from "@/api/client";
import { cx } from "./cx";

type Action = { label: string; act: () => void };
type Word = { id: number; text: string; hint?: string | null; tone: "good" | "bad"; action?: Action; ms?: number };
const useWords = create<{ words: Word[]; next: number }>(() => ({ words: [], next: 1 }));

function add(word: Omit<Word, "id">): void {
  useWords.setState(({ words, next }) => ({ words: [...words.slice(-3), { ...word, id: next }], next: next + 1 }));
}

export const toast = {
  done: (text: string) => add({ text, tone: "good" }),
  /** Stands for `ms`, in which what was done can be taken back. */
  undoable: (text: string, action: Action, ms: number) => add({ text, tone: "good", action, ms }),
  failed: (error: unknown) =>
    add({
      text: error instanceof Error ? error.message : String(error),
      hint: error instanceof ApiError ? error.trouble.hint : null,
      tone: "bad",
    }),
};

export function Toasts() {
  const { t } = useTranslation("app");
  const words = useWords((state) => state.words);
  const drop = (id: number) => useWords.setState((state) => ({ words: state.words.filter((word) => word.id !== id) }));
  return (
    <Toast.Provider label={t("notice")}>
      {words.map((word) => (
        <Toast.Root
          key={word.id}
          duration={word.ms ?? (word.tone === "bad" ? 12_000 : 4_000)}
          onOpenChange={(open) => !open && drop(word.id)}
          className={cx(
            "rounded-md border bg-raised p-3 shadow-raised",
            word.tone === "bad" ? "border-bad" : "border-good",
          )}
        >
          <Toast.Title className="font-medium break-words">{word.text}</Toast.Title>
          {word.hint && <Toast.Description className="text-soft">{word.hint}</Toast.Description>}
          {word.action && (
            <Toast.Action
              altText={word.action.label}
              onClick={word.action.act}
              className="mt-2 rounded-md border border-line-strong px-2 py-0.5 font-medium hover:bg-sunken"
            >
              {word.action.label}
            </Toast.Action>
          )}
          <Toast.Close className="absolute top-1 right-2 text-soft" aria-label={t("close")}>
            ×
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="fixed bottom-4 left-1/2 z-60 flex w-96 max-w-[calc(100vw-2rem)] -translate-x-1/2 flex-col gap-2" />
    </Toast.Provider>
  );
}
