import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Execution, NodeRun } from "@/live/run-record";
import { Badge } from "@/ui/Badge";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { duration, moment } from "@/ui/format";
import { Failure, Notice } from "@/ui/Notice";
import { Card, Page } from "@/ui/Page";
import { RunStatus } from "@/ui/RunStatus";
import { short } from "../execution/details/values";
import { executionQuery } from "../execution/queries";
import { type Difference, differencesOf } from "./differences";

/** Two runs side by side: where they parted and with which values. */
export default function Compare({ params }: { params: Record<string, string> }) {
  const { t } = useTranslation("runs");
  const one = useQuery(executionQuery(params.id ?? ""));
  const other = useQuery(executionQuery(params.other ?? ""));
  return (
    <Page title={t("compare.title")}>
      <Failure error={one.error ?? other.error} />
      {one.data && other.data && <Compared one={one.data} other={other.data} />}
      {(one.isPending || other.isPending) && <p role="status">{t("app:loading")}</p>}
    </Page>
  );
}

function Compared({ one, other }: { one: Execution; other: Execution }) {
  const { t } = useTranslation("runs");
  const [all, setAll] = useState(false);
  const differences = useMemo(() => differencesOf(one, other), [one, other]);
  const rows = all ? differences : differences.filter((each) => !each.same);
  const columns = useColumns();
  return (
    <>
      <div className="grid gap-3 md:grid-cols-2">
        <Side word={t("compare.one")} execution={one} />
        <Side word={t("compare.other")} execution={other} />
      </div>
      {one.version !== other.version && <Notice tone="accent">{t("compare.versions")}</Notice>}
      <label className="flex items-center gap-2">
        <input type="checkbox" checked={!all} onChange={() => setAll(!all)} className="accent-accent" />
        {t("compare.onlyDifferent")}
      </label>
      <DataTable
        caption={t("compare.caption")}
        rows={rows}
        columns={columns}
        rowKey={(row) => row.node}
        empty={<Empty title={t("compare.none")} />}
        dense
      />
    </>
  );
}

function Side({ word, execution }: { word: string; execution: Execution }) {
  const { t } = useTranslation("runs");
  return (
    <Card>
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone="accent">{word}</Badge>
        <Link href={`/executions/${execution.id}`} className="font-medium hover:underline">
          {execution.workflow_name}
        </Link>
        <RunStatus status={execution.status} />
        {execution.test_mode && <Badge tone="accent">{t("testMode")}</Badge>}
      </div>
      <p className="mt-1 text-soft tabular-nums">
        {moment(execution.started_at)} · {t("market")} {moment(execution.as_of)} · {duration(execution.duration_ms)}
      </p>
      {execution.error && (
        <p className="mt-1 text-bad">
          {execution.error.name}: {execution.error.message}
        </p>
      )}
    </Card>
  );
}

function useColumns(): Column<Difference>[] {
  const { t } = useTranslation("runs");
  return useMemo<Column<Difference>[]>(
    () => [
      {
        id: "node",
        header: t("node"),
        cell: (row) => <span className="font-medium">{row.name}</span>,
        sort: (row) => row.name,
      },
      { id: "one", header: t("compare.one"), cell: (row) => <Outcome run={row.one} /> },
      { id: "other", header: t("compare.other"), cell: (row) => <Outcome run={row.other} /> },
      { id: "fields", header: t("compare.changed"), cell: (row) => <Fields row={row} /> },
      {
        id: "took",
        header: t("compare.difference"),
        cell: (row) => `${duration(row.one?.duration_ms)} → ${duration(row.other?.duration_ms)}`,
        align: "right",
      },
    ],
    [t],
  );
}

function Outcome({ run }: { run: NodeRun | undefined }) {
  if (!run) return <span className="text-soft">–</span>;
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <RunStatus status={run.state} />
      {run.port && run.port !== "main" && <span className="text-soft">→ {run.port}</span>}
    </span>
  );
}

/** A dash for what only the other run has. */
const said = (value: unknown): string => (value === undefined ? "–" : short(value));

function Fields({ row }: { row: Difference }) {
  const { t } = useTranslation("runs");
  if (row.same) return <span className="text-soft">{t("compare.same")}</span>;
  return (
    <ul className="font-mono text-xs">
      {row.fields.map(({ path, one, other }) => (
        <li key={path}>
          <span className="text-soft">{path}</span> {said(one)} → <b>{said(other)}</b>
        </li>
      ))}
    </ul>
  );
}
