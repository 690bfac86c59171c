import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { NodeStanding } from "@/live/standing";
import { useRun, useWatch } from "@/live/use-run";
import { type Column, DataTable } from "@/ui/DataTable";
import { duration, percent } from "@/ui/format";
import { RunStatus } from "@/ui/RunStatus";
import { useNames } from "./use-names";

type Row = { node: string; name: string; type: string; after_ms: number | null; share: number; standing: NodeStanding };

/** What each node did and what it cost. */
export function NodeTable({ onSelect }: { onSelect: (node: string) => void }) {
  const { t } = useTranslation("runs");
  const rows = useRows();
  const columns = useMemo<Column<Row>[]>(
    () => [
      { id: "name", header: t("node"), cell: (row) => row.name, sort: (row) => row.name, className: "font-medium" },
      {
        id: "type",
        header: t("table.type"),
        cell: (row) => <span className="text-soft">{row.type}</span>,
        sort: (row) => row.type,
      },
      {
        id: "status",
        header: t("status"),
        cell: (row) => <RunStatus status={row.standing.state} />,
        sort: (row) => row.standing.state,
      },
      {
        id: "port",
        header: t("table.port"),
        cell: (row) => Object.keys(row.standing.ports).join(", ") || "–",
        sort: (row) => Object.keys(row.standing.ports)[0],
      },
      {
        id: "after",
        header: t("table.after"),
        cell: (row) => duration(row.after_ms),
        sort: (row) => row.after_ms,
        align: "right",
      },
      {
        id: "took",
        header: t("table.took"),
        cell: (row) => duration(row.standing.duration_ms),
        sort: (row) => row.standing.duration_ms,
        align: "right",
      },
      { id: "share", header: t("table.share"), cell: (row) => <Share share={row.share} />, sort: (row) => row.share },
      {
        id: "runs",
        header: t("table.runs"),
        cell: (row) => row.standing.runs,
        sort: (row) => row.standing.runs,
        align: "right",
      },
      {
        id: "attempts",
        header: t("table.attempts"),
        cell: (row) => row.standing.attempts,
        sort: (row) => row.standing.attempts,
        align: "right",
      },
    ],
    [t],
  );
  const slowest = rows.reduce<Row | undefined>((most, row) => (row.share > (most?.share ?? 0) ? row : most), undefined);
  const total = rows.reduce((sum, row) => sum + (row.standing.duration_ms ?? 0), 0);
  return (
    <div className="flex flex-col gap-2 p-3">
      {slowest && (
        <p className="text-soft">
          {t("table.total", {
            took: duration(total),
            nodes: rows.filter((row) => row.standing.runs > 0).length,
            slowest: slowest.name,
          })}
        </p>
      )}
      <DataTable
        caption={t("table.caption")}
        rows={rows}
        columns={columns}
        rowKey={(row) => row.node}
        onOpen={(row) => onSelect(row.node)}
        pageSize={100}
        dense
        empty={<p className="text-soft">{t("table.empty")}</p>}
      />
    </div>
  );
}

function useRows(): Row[] {
  const watch = useWatch();
  const standings = useRun((view) => view.standings);
  const runs = useRun((view) => view.runs);
  const execution = useRun((view) => view.execution);
  const names = useNames(watch.id);
  return useMemo(() => {
    const first = new Map(runs.toReversed().map((run) => [run.node, run]));
    const start = Date.parse(execution?.started_at ?? "");
    const total = [...standings.values()].reduce((sum, each) => sum + (each.duration_ms ?? 0), 0);
    return [...standings].map(([node, standing]) => {
      const run = first.get(node);
      const after_ms = run?.started_at ? Date.parse(run.started_at) - start : null;
      const share = total > 0 ? (standing.duration_ms ?? 0) / total : 0;
      return { node, name: names.get(node) ?? run?.name ?? node, type: run?.type ?? "", after_ms, share, standing };
    });
  }, [standings, runs, execution, names]);
}

function Share({ share }: { share: number }) {
  return (
    <span className="flex items-center gap-2">
      <span className="h-1.5 w-20 overflow-hidden rounded-full bg-sunken">
        <span className="block h-full rounded-full bg-accent" style={{ width: `${share * 100}%` }} />
      </span>
      <span className="text-xs text-soft tabular-nums">{percent(share, 0)}</span>
    </span>
  );
}
