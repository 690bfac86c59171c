import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import type { Execution } from "@/live/run-record";
import { Badge, type Tone } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Notice } from "@/ui/Notice";
import { Profit } from "@/ui/Profit";
import { useNames } from "./use-names";

type Order = Schemas["OrderItem"];
const TONES: Partial<Record<Order["state"], Tone>> = {
  done: "good",
  partial: "good",
  placed: "accent",
  unknown: "warn",
  manual: "warn",
  rejected: "bad",
};

/** What it sent to the broker and what came of it. */
export function TradesPane({ execution, onWhy }: { execution: Execution; onWhy: () => void }) {
  const { t } = useTranslation("runs");
  const orders = execution.orders ?? [];
  if (orders.length === 0) {
    return (
      <div className="p-4">
        <Empty title={t("trades.none")} action={<Button onClick={onWhy}>{t("tabs.why")}</Button>}>
          {t("trades.noneLead")}
        </Empty>
      </div>
    );
  }
  return (
    <div className="flex flex-col gap-3 p-3">
      <Outcome trades={execution.trades} />
      <Orders execution={execution.id} orders={orders} />
    </div>
  );
}

function Outcome({ trades }: { trades: Execution["trades"] }) {
  const { t } = useTranslation("runs");
  if (!trades) return null;
  return (
    <div className="flex flex-wrap items-center gap-4">
      {trades.profit !== null && trades.profit !== undefined && (
        <p className="text-soft">
          {t("trades.result")}{" "}
          <Profit amount={trades.profit} currency={trades.currency ?? "USD"} className="font-semibold" /> ·{" "}
          {t("trades.closed", { count: trades.trades ?? 0 })}
        </p>
      )}
      {(trades.state === "open" || trades.state === "pending") && (
        <Notice tone="accent">{t(trades.state === "open" ? "trades.open" : "trades.pending")}</Notice>
      )}
    </div>
  );
}

function Orders({ execution, orders }: { execution: string; orders: readonly Order[] }) {
  const { t } = useTranslation("runs");
  const names = useNames(execution);
  const columns = useMemo<Column<Order>[]>(() => {
    const told = (order: Order, field: string) => {
      const value = order.outcome?.[field] ?? order.intent[field];
      return value === null || value === undefined ? "–" : String(value);
    };
    return [
      { id: "what", header: t("trades.what"), cell: (order) => <span className="font-medium">{order.what}</span> },
      {
        id: "state",
        header: t("trades.state"),
        cell: (order) => <Badge tone={TONES[order.state] ?? "neutral"}>{t(`trades.states.${order.state}`)}</Badge>,
      },
      { id: "node", header: t("node"), cell: (order) => names.get(order.node) ?? order.node },
      { id: "price", header: t("trades.price"), cell: (order) => told(order, "price"), align: "right" },
      { id: "stop", header: t("trades.stop"), cell: (order) => told(order, "stop_loss"), align: "right" },
      { id: "target", header: t("trades.target"), cell: (order) => told(order, "take_profit"), align: "right" },
      { id: "ticket", header: t("trades.ticket"), cell: (order) => told(order, "order"), align: "right" },
      { id: "message", header: t("trades.message"), cell: (order) => order.message || "–" },
    ];
  }, [t, names]);
  return <DataTable caption={t("trades.orders")} rows={orders} columns={columns} rowKey={(order) => order.id} dense />;
}
