import type { ReactNode } from "react";
import { cx } from "./cx";

export type FigureTone = "good" | "bad" | undefined;

export const toneOf = (amount: number | null | undefined): FigureTone =>
  !amount ? undefined : amount > 0 ? "good" : "bad";

export function Figure({
  name,
  strong = false,
  tone,
  children,
}: {
  name: string;
  strong?: boolean;
  tone?: FigureTone;
  children: ReactNode;
}) {
  return (
    <div className="min-w-0 rounded-lg border border-line bg-surface px-3 py-2.5">
      <dt className="text-xs text-soft">{name}</dt>
      <dd
        className={cx(
          "break-words tabular-nums",
          strong ? "text-xl font-semibold" : "text-lg font-medium",
          tone === "good" && "text-good",
          tone === "bad" && "text-bad",
        )}
      >
        {children}
      </dd>
    </div>
  );
}
