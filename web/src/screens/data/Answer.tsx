import { ChartLine, Download, Table2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { csvOf } from "@/ui/csv";
import { cx } from "@/ui/cx";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { duration, moment, number } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { saveFile } from "@/ui/save";
import { AnswerChart } from "./AnswerChart";
import { type Charting, chartingOf } from "./charting";
import type { Result } from "./queries";

const BOOKKEEPING = ["created_at", "updated_at", "execution_id", "node_id"];

/** What every table fills by itself stands behind what people put in. */
const ownFirst = (columns: string[]): string[] => [
  ...columns.filter((column) => !BOOKKEEPING.includes(column)),
  ...columns.filter((column) => BOOKKEEPING.includes(column)),
];

/** What a query gave: as a table or a chart, and as a file. */
export function Answer({ result: given }: { result: Result }) {
  const { t } = useTranslation("data");
  const result = useMemo(() => ({ ...given, columns: ownFirst(given.columns) }), [given]);
  const charting = useMemo(() => chartingOf(result), [result]);
  const drawable = charting.across.length > 0 && charting.figures.length > 0 && result.rows.length > 1;
  const [chart, setChart] = useState(false);
  const views = [
    { id: false, word: t("answer.table"), icon: Table2 },
    { id: true, word: t("answer.chart"), icon: ChartLine },
  ];
  const actions = (
    <div className="flex flex-wrap items-center gap-2">
      <fieldset className="flex rounded-md border border-line p-0.5">
        <legend className="sr-only">{t("answer.view")}</legend>
        {views.map(({ id, word, icon: Icon }) => (
          <button
            key={word}
            type="button"
            aria-pressed={chart === id}
            disabled={id && !drawable}
            onClick={() => setChart(id)}
            className={cx(
              "inline-flex items-center gap-1 rounded px-2 py-0.5 text-xs disabled:opacity-50",
              chart === id ? "bg-accent-soft font-medium text-accent" : "hover:bg-sunken",
            )}
          >
            <Icon size={14} aria-hidden />
            {word}
          </button>
        ))}
      </fieldset>
      <Button
        small
        disabled={!result.rows.length}
        onClick={() =>
          saveFile("query.csv", new Blob([csvOf(result.columns, result.rows)], { type: "text/csv;charset=utf-8" }))
        }
      >
        <Download size={14} aria-hidden />
        CSV
      </Button>
    </div>
  );
  return (
    <Card
      title={
        <span role="status">
          {t("answer.rows", { count: result.rows.length })}
          <span className="ml-2 text-sm font-normal text-soft">{duration(result.duration_ms)}</span>
        </span>
      }
      actions={actions}
    >
      <div className="flex flex-col gap-3">
        {result.truncated && <Notice tone="warn">{t("answer.truncated", { count: result.rows.length })}</Notice>}
        {chart && drawable ? (
          <AnswerChart result={result} charting={charting} />
        ) : (
          <Rows result={result} charting={charting} />
        )}
      </div>
    </Card>
  );
}

type Numbered = { at: number; row: Result["rows"][number] };

function Rows({ result, charting: { times, figures } }: { result: Result; charting: Charting }) {
  const { t } = useTranslation("data");
  const rows = useMemo(() => result.rows.map((row, at): Numbered => ({ at, row })), [result]);
  const columns = useMemo(
    () =>
      result.columns.map(
        (name): Column<Numbered> => ({
          id: name,
          header: <span className="font-mono">{name}</span>,
          cell: ({ row }) => shown(row[name], times.has(name)),
          sort: ({ row }) => sortable(row[name]),
          align: figures.includes(name) || name === "id" ? "right" : "left",
          className: "max-w-96 truncate whitespace-nowrap",
        }),
      ),
    [result, times, figures],
  );
  return (
    <DataTable
      dense
      caption={t("answer.label")}
      rows={rows}
      columns={columns}
      rowKey={({ at }) => String(at)}
      empty={<Empty title={t("answer.none")}>{t("answer.noneLead")}</Empty>}
    />
  );
}

function shown(value: unknown, time: boolean) {
  if (value === null || value === undefined) return <span className="text-soft">–</span>;
  if (time) return moment(String(value));
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : trimmed(value);
  if (typeof value === "object") return <code className="text-xs">{JSON.stringify(value)}</code>;
  return String(value);
}

/** As many digits as the number has, six at most. */
const trimmed = (value: number): string => {
  const digits = String(Number(value.toFixed(6))).split(".")[1]?.length ?? 0;
  return number(value, digits);
};

const sortable = (value: unknown) =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : (value as string | number | boolean | null);
