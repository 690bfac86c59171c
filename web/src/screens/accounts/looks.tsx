// How an account's money and state look, everywhere the same.
import { CircleCheck, CircleHelp, OctagonX, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import type { Account } from "./queries";

const STATES: Record<string, [Tone, typeof CircleCheck]> = {
  active: ["good", CircleCheck],
  reducing: ["warn", TriangleAlert],
  halted: ["bad", OctagonX],
};

export function StateBadge({ state }: { state: Account["state"] }) {
  const { t } = useTranslation("accounts");
  const [tone, Icon] = STATES[state ?? ""] ?? ["neutral", CircleHelp];
  return (
    <Badge tone={tone} className="px-2.5 py-1 text-sm">
      <Icon size={15} aria-hidden />
      {t(`state.${state ?? "unknown"}`)}
    </Badge>
  );
}

const BANDS = {
  paper: "border-paper bg-accent-soft text-paper",
  demo: "border-demo border-dashed text-demo",
  live: "border-live bg-live text-surface font-bold",
  unknown: "border-line-strong bg-sunken text-soft",
};

/** A band across an account's page, so that paper, demo and live money are never taken for one another. */
export function ModeBand({ mode }: { mode: Account["trade_mode"] }) {
  const { t } = useTranslation("accounts");
  const known = mode ?? "unknown";
  return (
    <p className={cx("rounded-lg border-2 px-3 py-1.5 text-center text-sm font-medium", BANDS[known])}>
      {t(`mode.${known}`)}
    </p>
  );
}
