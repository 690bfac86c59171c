import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { Badge } from "@/ui/Badge";
import type { Column } from "@/ui/DataTable";
import { ago, duration, moment } from "@/ui/format";
import { Profit } from "@/ui/Profit";
import { RunStatus } from "@/ui/RunStatus";

export type Summary = Schemas["ExecutionSummary"];

export function useColumns(chosen: readonly string[], toggle: (id: string) => void): Column<Summary>[] {
  const { t } = useTranslation("runs");
  return useMemo<Column<Summary>[]>(
    () => [
      {
        id: "chosen",
        header: <span className="sr-only">{t("list.compare")}</span>,
        cell: (row) => (
          <input
            type="checkbox"
            aria-label={t("list.select", { workflow: row.workflow_name, when: moment(row.started_at) })}
            checked={chosen.includes(row.id)}
            onClick={(event) => event.stopPropagation()}
            onKeyDown={(event) => event.stopPropagation()}
            onChange={() => toggle(row.id)}
            className="size-4 accent-accent"
          />
        ),
      },
      { id: "status", header: t("status"), cell: (row) => <Status row={row} />, sort: (row) => row.status },
      { id: "workflow", header: t("workflow"), cell: (row) => <Name row={row} />, sort: (row) => row.workflow_name },
      {
        id: "when",
        header: t("list.when"),
        cell: (row) => (
          <time dateTime={row.started_at} title={moment(row.started_at)} className="whitespace-nowrap">
            {ago(row.started_at)}
          </time>
        ),
        sort: (row) => row.started_at,
      },
      {
        id: "market",
        header: t("market"),
        cell: (row) => <span className="whitespace-nowrap text-soft tabular-nums">{moment(row.as_of)}</span>,
        sort: (row) => row.as_of,
      },
      {
        id: "took",
        header: t("took"),
        cell: (row) => duration(row.duration_ms),
        sort: (row) => row.duration_ms,
        align: "right",
      },
      {
        id: "result",
        header: t("list.result"),
        cell: (row) => <Result row={row} />,
        sort: (row) => row.trades?.profit,
        align: "right",
      },
    ],
    [t, chosen, toggle],
  );
}

function Status({ row }: { row: Summary }) {
  const { t } = useTranslation("runs");
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <RunStatus status={row.status} />
      {row.has_errors && <Badge tone="warn">{t("withErrors")}</Badge>}
    </span>
  );
}

function Name({ row }: { row: Summary }) {
  const { t } = useTranslation("runs");
  return (
    <span className="flex min-w-40 flex-col">
      <span className="flex flex-wrap items-center gap-2">
        <Link
          href={`/executions/${row.id}`}
          onClick={(event) => event.stopPropagation()}
          className="font-medium hover:underline"
        >
          {row.workflow_name || row.workflow_id}
        </Link>
        {row.test_mode && <Badge tone="accent">{t("testMode")}</Badge>}
      </span>
      {row.error && (
        <span className="line-clamp-1 max-w-96 text-xs text-bad" title={row.error.message}>
          {row.error.name}: {row.error.message}
        </span>
      )}
    </span>
  );
}

function Result({ row: { trades } }: { row: Summary }) {
  const { t } = useTranslation("runs");
  if (!trades || trades.state === "none") return <span className="text-soft">–</span>;
  const made = trades.profit;
  return (
    <span className="flex flex-col items-end whitespace-nowrap">
      {made !== null && made !== undefined && <Profit amount={made} currency={trades.currency ?? "USD"} />}
      <span className="text-xs text-soft">
        {t("list.orders", { count: trades.orders ?? 0 })}
        {trades.state === "open" && ` · ${t("list.open")}`}
      </span>
    </span>
  );
}
