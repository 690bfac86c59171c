import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { cx } from "@/ui/cx";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { moment, money, profit } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { Profit } from "@/ui/Profit";
import { type Account, holdingsQuery, useWorkflowNames } from "./queries";

type Position = Schemas["HeldPosition"];
type Waiting = Schemas["WaitingOrder"];

/** What is open and what waits, whoever made it, and what that is worth. */
export function Positions({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const { data, error } = useQuery(holdingsQuery(account.name));
  const names = useWorkflowNames();
  const positions = usePositionColumns(data?.currency ?? "USD", names);
  const orders = useOrderColumns(names);
  return (
    <div className="flex flex-col gap-4">
      {error && (
        <Notice tone="bad">
          {t("positions.refused")}: {error.message}
        </Notice>
      )}
      {data && (
        <>
          {data.exposure.length > 0 && <ExposureBars holdings={data} limit={limitOf(account)} />}
          <section aria-labelledby="positions" className="flex flex-col gap-2">
            <h2 id="positions">{t("positions.title")}</h2>
            <DataTable
              caption={t("positions.title")}
              rows={data.positions}
              columns={positions}
              rowKey={(position) => String(position.ticket)}
              empty={<Empty title={t("positions.empty")}>{t("positions.emptyLead")}</Empty>}
            />
          </section>
          <section aria-labelledby="orders" className="flex flex-col gap-2">
            <h2 id="orders">{t("positions.orders")}</h2>
            <DataTable
              caption={t("positions.orders")}
              rows={data.orders}
              columns={orders}
              rowKey={(order) => String(order.ticket)}
              empty={<p className="text-soft">{t("positions.ordersEmpty")}</p>}
            />
          </section>
        </>
      )}
    </div>
  );
}

const limitOf = (account: Account): number | null => {
  const limit = Number(account.limits?.max_exposure);
  return Number.isFinite(limit) ? limit : null;
};

/** Lots on each side of a symbol, from the middle outwards; what waits is hatched beside what is held. */
function ExposureBars({ holdings, limit }: { holdings: Schemas["Holdings"]; limit: number | null }) {
  const { t } = useTranslation("accounts");
  const most = Math.max(
    ...holdings.exposure.flatMap((each) => [
      Number(each.long) + Number(each.buying),
      Number(each.short) + Number(each.selling),
    ]),
  );
  return (
    <section aria-labelledby="exposure" className="rounded-lg border border-line bg-surface p-4">
      <div className="flex flex-wrap items-baseline justify-between gap-2">
        <h2 id="exposure">{t("positions.exposureOf")}</h2>
        <p className="text-soft tabular-nums">
          <strong className="text-ink">
            {holdings.worth === null ? "–" : money(holdings.worth, holdings.currency)}
          </strong>
          {limit !== null && limit < 1e12 && ` / ${money(limit, holdings.currency)}`}
        </p>
      </div>
      <p className="mb-3 text-soft">{t("positions.exposureLead", { currency: holdings.currency })}</p>
      <ul className="flex flex-col gap-2">
        {holdings.exposure.map((each) => (
          <li key={each.symbol} className="grid grid-cols-[5rem_1fr_1fr_8rem] items-center gap-x-1 text-sm">
            <span className="truncate font-medium">{each.symbol}</span>
            <Side held={each.short} waiting={each.selling} most={most} side="sell" />
            <Side held={each.long} waiting={each.buying} most={most} side="buy" />
            <span className="text-right text-soft tabular-nums">
              {each.worth === null ? "–" : money(each.worth, holdings.currency)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Side({ held, waiting, most, side }: { held: string; waiting: string; most: number; side: "buy" | "sell" }) {
  const { t } = useTranslation("accounts");
  const share = (lots: string) => `${most > 0 ? (Number(lots) / most) * 100 : 0}%`;
  const lots = Number(held) + Number(waiting);
  return (
    <span
      className={cx(
        "flex h-6 items-center gap-2",
        side === "sell" ? "flex-row-reverse" : "border-l border-line-strong",
      )}
    >
      <span className={cx("flex h-4 max-w-3/5 flex-1", side === "sell" && "flex-row-reverse")}>
        <span
          className={cx("h-full", side === "sell" ? "rounded-l bg-bad" : "rounded-r bg-good")}
          style={{ width: share(held) }}
        />
        <span
          className={cx(
            "h-full border border-dashed",
            side === "sell" ? "border-bad" : "border-good",
            !Number(waiting) && "hidden",
          )}
          style={{ width: share(waiting) }}
        />
      </span>
      {lots > 0 && (
        <span className="text-xs whitespace-nowrap tabular-nums">
          {t(`positions.${side}`)} {held}
          {Number(waiting) > 0 && ` + ${waiting}`}
        </span>
      )}
    </span>
  );
}

function usePositionColumns(currency: string, names: Map<string, string>): Column<Position>[] {
  const { t } = useTranslation("accounts");
  return [
    { id: "symbol", header: t("positions.symbol"), cell: (each) => each.symbol, sort: (each) => each.symbol },
    { id: "side", header: t("positions.side"), cell: (each) => t(`positions.${each.side}`), sort: (each) => each.side },
    {
      id: "volume",
      header: t("positions.volume"),
      align: "right",
      cell: (each) => each.volume,
      sort: (each) => Number(each.volume),
    },
    { id: "open", header: t("positions.open"), align: "right", cell: (each) => each.price_open },
    { id: "now", header: t("positions.now"), align: "right", cell: (each) => each.price_current },
    {
      id: "stop",
      header: t("positions.stop"),
      align: "right",
      cell: (each) => each.stop_loss ?? <span className="text-bad">{t("positions.noStop")}</span>,
    },
    { id: "target", header: t("positions.target"), align: "right", cell: (each) => each.take_profit ?? "–" },
    {
      id: "profit",
      header: t("positions.profit"),
      align: "right",
      cell: (each) => <Profit amount={each.profit} currency={currency} className="font-medium" />,
      sort: (each) => each.profit,
    },
    {
      id: "swap",
      header: t("positions.swap"),
      align: "right",
      cell: (each) => profit(each.swap, currency),
      sort: (each) => each.swap,
    },
    {
      id: "opened",
      header: t("positions.opened"),
      cell: (each) => moment(each.opened_at),
      sort: (each) => each.opened_at,
    },
    { id: "by", header: t("positions.by"), cell: (each) => <By workflow={each.workflow_id} names={names} /> },
  ];
}

function useOrderColumns(names: Map<string, string>): Column<Waiting>[] {
  const { t } = useTranslation("accounts");
  return [
    { id: "symbol", header: t("positions.symbol"), cell: (each) => each.symbol, sort: (each) => each.symbol },
    {
      id: "type",
      header: t("positions.type"),
      cell: (each) => `${t(`positions.${each.side}`)} ${each.type.replace("_", " ")}`,
    },
    {
      id: "volume",
      header: t("positions.volume"),
      align: "right",
      cell: (each) => each.remaining,
      sort: (each) => Number(each.remaining),
    },
    { id: "price", header: t("positions.price"), align: "right", cell: (each) => each.price },
    { id: "now", header: t("positions.now"), align: "right", cell: (each) => each.price_current },
    { id: "stop", header: t("positions.stop"), align: "right", cell: (each) => each.stop_loss ?? "–" },
    { id: "target", header: t("positions.target"), align: "right", cell: (each) => each.take_profit ?? "–" },
    {
      id: "expires",
      header: t("positions.expires"),
      cell: (each) => (each.expires_at ? moment(each.expires_at) : t("positions.never")),
    },
    { id: "by", header: t("positions.by"), cell: (each) => <By workflow={each.workflow_id} names={names} /> },
  ];
}

function By({ workflow, names }: { workflow: string | null; names: Map<string, string> }) {
  const { t } = useTranslation("accounts");
  if (workflow === null) return <span className="text-soft">{t("positions.byHand")}</span>;
  return (
    <Link href={`/workflows/${workflow}`} className="text-accent hover:underline">
      {names.get(workflow) ?? workflow}
    </Link>
  );
}
