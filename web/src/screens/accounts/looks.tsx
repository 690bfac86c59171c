// How an account's money and state look, everywhere the same.
import { CircleCheck, CircleHelp, OctagonX, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { moment } from "@/ui/format";
import { Notice } from "@/ui/Notice";
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

/** Who decided how the account stands, when and why. */
export function Because({ account, className }: { account: Account; className?: string }) {
  const { t } = useTranslation("accounts");
  if (!account.state_reason) return null;
  return (
    <p className={cx("text-soft", className)}>
      {t("because", { by: account.state_by, when: moment(account.state_since) })}{" "}
      <span className="text-ink break-words">{account.state_reason}</span>
    </p>
  );
}

export function Unavailable({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  if (account.available) return null;
  return <Notice tone="bad">{`${t("unavailable")}. ${account.detail ?? ""}`}</Notice>;
}

/** A band across whatever acts on an account, so that paper, demo and live money are never taken for one another. */
export function ModeBand({ mode }: { mode: Account["trade_mode"] }) {
  const { t } = useTranslation("accounts");
  const known = mode ?? "unknown";
  return (
    <p className={cx("rounded-lg border-2 px-3 py-1.5 text-center text-sm font-medium", BANDS[known])}>
      {t(`mode.${known}`)}
    </p>
  );
}
