import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { type Account, floatingOf, holdingsQuery } from "@/screens/accounts/queries";
import { Chart, type ChartSeries } from "@/ui/Chart";
import { Empty } from "@/ui/Empty";
import { Figure, toneOf } from "@/ui/Figure";
import { money, number, percent, profit } from "@/ui/format";
import { Card } from "@/ui/Page";
import { fallCurve, resultCurve, type Sum } from "./figures";

/** The account's result over the time that is shown: its figures and its curve. */
export function Result({ account, sum, loading }: { account: Account; sum: Sum | undefined; loading: boolean }) {
  const { t } = useTranslation("dashboard");
  const currency = sum?.currency ?? account.currency ?? "USD";
  const open = floatingOf(account);
  const floating = open === null ? t("none") : profit(open, currency);
  return (
    <>
      <Tiles account={account} sum={sum} currency={currency} />
      <Card title={t("curve")}>
        <p className="mb-2 text-soft">{t("curveLead", { floating })}</p>
        {sum && sum.count > 0 ? <Curve account={account.name} sum={sum} /> : !loading && <Nothing account={account} />}
      </Card>
    </>
  );
}

function Tiles({ account, sum, currency }: { account: Account; sum: Sum | undefined; currency: string }) {
  const { t } = useTranslation("dashboard");
  const holdings = useQuery(holdingsQuery(account.name)).data;
  const none = t("none");
  const small = (text: string) => (
    <>
      {" "}
      <span className="inline-block text-xs font-normal whitespace-nowrap text-soft">{text}</span>
    </>
  );
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4 xl:grid-cols-7">
      <Figure name={t("equity")} strong>
        {account.equity == null ? none : money(account.equity, account.currency ?? currency)}
      </Figure>
      <Figure name={t("net")} strong tone={toneOf(sum?.net)}>
        {profit(sum?.net ?? 0, currency)}
      </Figure>
      <Figure name={t("winRate")}>
        {sum?.win_rate == null ? none : percent(sum.win_rate / 100)}
        {sum && small(t("won", { won: sum.wins, lost: sum.losses }))}
      </Figure>
      <Figure name={t("factor")}>
        {sum?.profit_factor == null ? none : number(sum.profit_factor)}
        {sum?.count && sum.profit_factor === null ? small(t("noLosses")) : null}
      </Figure>
      <Figure name={t("drawdown")} tone={sum && sum.max_drawdown > 0 ? "bad" : undefined}>
        {sum ? money(sum.max_drawdown, currency) : none}
      </Figure>
      <Figure name={t("expectancy")} tone={toneOf(sum?.expectancy)}>
        {sum?.expectancy == null ? none : profit(sum.expectancy, currency)}
        {sum && small(t("trades", { count: sum.count }))}
      </Figure>
      <Figure name={t("exposure")}>
        {holdings?.worth == null ? none : money(holdings.worth, holdings.currency)}
        {holdings && small(t("open", { count: holdings.positions.length }))}
      </Figure>
    </dl>
  );
}

function Curve({ account, sum }: { account: string; sum: Sum }) {
  const { t } = useTranslation("dashboard");
  const series = useMemo<ChartSeries[]>(
    () => [
      { id: "net", name: t("curve"), kind: "baseline", base: 0, points: resultCurve(sum), digits: 2 },
      { id: "fall", name: t("fall"), kind: "area", pane: 1, tone: "bad", points: fallCurve(sum), digits: 2 },
    ],
    [sum, t],
  );
  const label = t("curveLabel", {
    account,
    net: profit(sum.net, sum.currency),
    count: sum.count,
    drawdown: money(sum.max_drawdown, sum.currency),
  });
  return <Chart label={label} series={series} height={320} />;
}

const WAY = "rounded-md border border-line bg-surface px-3 py-1.5 font-medium hover:bg-sunken";

function Nothing({ account }: { account: Account }) {
  const { t } = useTranslation("dashboard");
  return (
    <Empty
      title={t("empty.title")}
      action={
        <div className="flex gap-2">
          <Link href="/workflows" className={WAY}>
            {t("empty.workflows")}
          </Link>
          {account.trade_mode === "paper" && (
            <Link href={`/accounts/${encodeURIComponent(account.name)}`} className={WAY}>
              {t("empty.replay")}
            </Link>
          )}
        </div>
      }
    >
      {t("empty.lead")}
    </Empty>
  );
}
