import { Table2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./Button";
import type { ChartLevel, ChartMarker, ChartSeries } from "./chart/series";
import { tableOf } from "./chart/series";
import { type Column, DataTable } from "./DataTable";
import { moment, number } from "./format";

export type { Candle, ChartLevel, ChartMarker, ChartSeries, ChartTime, ChartTone, Point } from "./chart/series";

export type ChartProps = {
  /** What the chart shows, in a sentence: a screen reader says it in place of the picture. */
  label: string;
  /** Keep it (useMemo): another array is drawn anew. */
  series: readonly ChartSeries[];
  markers?: readonly ChartMarker[];
  /** Lines across: a stop, a target, an oscillator's bounds. */
  levels?: readonly ChartLevel[];
  height?: number;
  /** A line in a tile: no axes, no legend, no table. */
  spark?: boolean;
};

const Drawing = lazy(() => import("./chart/Drawing"));
const NONE: never[] = [];

/** Candles, lines and markers over time. The library loads with the first chart that is shown. */
export function Chart({ label, series, markers = NONE, levels = NONE, height = 280, spark = false }: ChartProps) {
  const { t } = useTranslation("chart");
  const [table, setTable] = useState(false);
  const waiting = (
    <div role="status" style={{ height }} className="grid place-items-center text-soft">
      {t("loading")}
    </div>
  );
  return (
    <figure className="relative m-0 min-w-0">
      {!spark && (
        <IconButton
          small
          label={t(table ? "asChart" : "asTable")}
          aria-pressed={table}
          onClick={() => setTable(!table)}
          className="absolute top-0 right-0 z-10"
        >
          <Table2 size={15} aria-hidden />
        </IconButton>
      )}
      <figcaption className="sr-only">{label}</figcaption>
      {table ? (
        <div className="overflow-auto pt-8" style={{ maxHeight: height }}>
          <ChartTable label={label} series={series} />
        </div>
      ) : (
        <Suspense fallback={waiting}>
          <Drawing label={label} series={series} markers={markers} levels={levels} height={height} spark={spark} />
        </Suspense>
      )}
    </figure>
  );
}

type Row = ReturnType<typeof tableOf>[number];

function ChartTable({ label, series }: { label: string; series: readonly ChartSeries[] }) {
  const { t } = useTranslation("chart");
  const rows = useMemo(() => tableOf(series), [series]);
  const columns: Column<Row>[] = [
    { id: "time", header: t("time"), cell: (row) => moment(new Date(row.at * 1_000).toISOString()), sort: (r) => r.at },
    ...series.map(({ id, name, digits }, index): Column<Row> => {
      const value = (row: Row) => row.values[index] ?? null;
      const shown = (row: Row) => {
        const now = value(row);
        return now === null ? "–" : number(now, digits ?? 5);
      };
      return { id, header: name, cell: shown, sort: value, align: "right" };
    }),
  ];
  return <DataTable dense caption={label} rows={rows} columns={columns} rowKey={(row) => String(row.at)} />;
}
