// The panel's three columns. A phone has room for one at a time, and chooses it at the top.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { cx } from "@/ui/cx";

const PANES = ["input", "form", "output"] as const;
export type Pane = (typeof PANES)[number];

const usePane = create<{ pane: Pane }>(() => ({ pane: "form" }));
/** What a phone shows from now on; where all three are side by side nothing changes. */
export const showPane = (pane: Pane): void => usePane.setState({ pane });

export function PaneChoice() {
  const { t } = useTranslation("panel");
  const pane = usePane((state) => state.pane);
  return (
    <fieldset aria-label={t("panes.label")} className="grid shrink-0 grid-cols-3 bg-sunken p-1 md:hidden">
      {PANES.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === pane}
          onClick={() => showPane(each)}
          className={cx(
            "h-9 rounded-md text-sm",
            each === pane ? "bg-surface font-medium text-ink shadow-sm" : "text-soft",
          )}
        >
          {t(`panes.${each}`)}
        </button>
      ))}
    </fieldset>
  );
}

export function Column({ pane, children }: { pane: Pane; children: ReactNode }) {
  const shown = usePane((state) => state.pane === pane);
  return (
    <div className={cx("grid min-h-0 min-w-0 grid-rows-[minmax(0,1fr)]", !shown && "max-md:hidden")}>{children}</div>
  );
}
