import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { Figure, toneOf } from "@/ui/Figure";
import { money, number, percent, profit } from "@/ui/format";
import { type Account, floatingOf } from "./queries";

/** An account's figures. What only the terminal can tell is a dash while it does not answer. */
export function Figures({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const currency = account.currency ?? "USD";
  const told = (value: number | null | undefined, write: (value: number) => string) =>
    value === null || value === undefined ? "–" : write(value);
  const floating = floatingOf(account);
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-4">
      <Figure name={t("figures.equity")} strong>
        {told(account.equity, (value) => money(value, currency))}
      </Figure>
      <Figure name={t("figures.balance")}>{told(account.balance, (value) => money(value, currency))}</Figure>
      <Figure name={t("figures.floating")} tone={toneOf(floating)}>
        {told(floating, (value) => profit(value, currency))}
      </Figure>
      <Figure name={t("figures.positions")}>
        {told(account.positions, String)}
        <Aside>{account.orders ? `+ ${account.orders} ${t("figures.orders")}` : ""}</Aside>
      </Figure>
      <Loss name={t("figures.day")} share={account.day?.loss_pct} limit={limitOf(account, "max_daily_loss_pct")}>
        {told(account.day?.loss, (value) => money(Math.max(value, 0), currency))}
      </Loss>
      <Loss name={t("figures.drawdown")} share={account.day?.drawdown_pct} limit={limitOf(account, "max_drawdown_pct")}>
        {told(account.day?.drawdown, (value) => money(Math.max(value, 0), currency))}
      </Loss>
      <Figure name={t("figures.guards")}>{told(account.guards, String)}</Figure>
      <Figure name={t("figures.unsettled")} tone={account.unsettled ? "bad" : undefined}>
        {told(account.unsettled, String)}
      </Figure>
    </dl>
  );
}

const limitOf = (account: Account, name: string): number | null => {
  const limit = account.limits?.[name];
  return typeof limit === "number" ? limit : null;
};

const Aside = ({ children }: { children: ReactNode }) => <span className="ml-1 text-xs text-soft">{children}</span>;

const NEAR = 0.7;

/** A loss beside its limit: how much of it is used up. Both in percent. */
function Loss({
  name,
  share,
  limit,
  children,
}: {
  name: string;
  share: number | null | undefined;
  limit: number | null;
  children: ReactNode;
}) {
  const { t } = useTranslation("accounts");
  const used = share != null && limit ? Math.min(Math.max(share / limit, 0), 1) : null;
  return (
    <div className="min-w-0 rounded-lg border border-line bg-surface px-3 py-2.5">
      <dt className="flex flex-wrap justify-between gap-x-2 text-xs text-soft">
        <span>{name}</span>
        {limit !== null && <span className="shrink-0">{t("figures.limit", { limit: `${number(limit, 0)} %` })}</span>}
      </dt>
      <dd className="text-lg font-medium tabular-nums">
        {children}
        {share != null && <Aside>{percent(Math.max(share, 0) / 100, 2)}</Aside>}
        {used !== null && (
          <meter
            aria-label={t("figures.ofLimit", { share: percent(used, 0) })}
            value={used}
            max={1}
            className="sr-only"
          />
        )}
        {used !== null && (
          <span aria-hidden className="mt-1 block h-1 rounded-full bg-sunken">
            <span
              className={cx("block h-1 rounded-full", used >= 1 ? "bg-bad" : used >= NEAR ? "bg-warn" : "bg-good")}
              style={{ width: `${Math.max(used * 100, used > 0 ? 2 : 0)}%` }}
            />
          </span>
        )}
      </dd>
    </div>
  );
}
