// The part of a chart that needs lightweight-charts; `ui/Chart.tsx` loads it when it is first shown.
import type { IChartApi, MouseEventParams, Time } from "lightweight-charts";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { onTheme, shownTheme } from "@/app/theme";
import type { ChartProps } from "@/ui/Chart";
import { cx } from "@/ui/cx";
import { number } from "@/ui/format";
import { type Drawn, draw, fill } from "./draw";
import { type Candle, type ChartSeries, digitsOf, inTime, type Point } from "./series";

type Props = Required<ChartProps>;

export default function Drawing({ label, series, markers, levels, height, spark }: Props) {
  const { t } = useTranslation("chart");
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const [hovered, setHovered] = useState<MouseEventParams<Time> | null>(null);
  const theme = useSyncExternalStore(onTheme, shownTheme);
  // Another shape needs another chart; other figures only fill the one that stands, so that it keeps its place.
  const shape = series.map(({ id, kind, pane }) => `${id} ${kind} ${pane ?? 0}`).join("|");
  const latest = useRef({ series, markers, levels });
  latest.current = { series, markers, levels };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read from the page, the series by their shape
  useEffect(() => {
    if (host.current === null) return;
    const made = draw(host.current, latest.current.series, spark);
    drawn.current = made;
    fill(made, latest.current);
    made.chart.timeScale().fitContent();
    made.chart.subscribeCrosshairMove(setHovered);
    return () => {
      drawn.current = null;
      made.chart.remove();
    };
  }, [shape, theme, spark]);

  useEffect(() => {
    if (drawn.current) fill(drawn.current, { series, markers, levels });
  }, [series, markers, levels]);

  const press = (event: KeyboardEvent) => {
    if (drawn.current && move(drawn.current.chart, event.key)) event.preventDefault();
  };
  return (
    <>
      {!spark && <Legend series={series} drawn={drawn.current} hovered={hovered} />}
      <div
        ref={host}
        role="img"
        aria-label={spark ? label : `${label} ${t("keys")}`}
        style={{ height }}
        {...(!spark && { tabIndex: 0, onKeyDown: press })}
      />
    </>
  );
}

/** Moves or zooms; false for a key that means nothing here. */
function move(chart: IChartApi, key: string): boolean {
  const scale = chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (key === "0") scale.fitContent();
  if (key === "0" || range === null) return key === "0";
  const width = range.to - range.from;
  const steps: Record<string, [number, number]> = {
    ArrowLeft: [-0.1, -0.1],
    ArrowRight: [0.1, 0.1],
    "+": [0.1, -0.1],
    "-": [-0.125, 0.125],
  };
  const step = steps[key];
  if (step === undefined) return false;
  scale.setVisibleLogicalRange({ from: range.from + step[0] * width, to: range.to + step[1] * width });
  return true;
}

/** The names of the lines and their values where the pointer is, or the last ones. */
function Legend({
  series,
  drawn,
  hovered,
}: {
  series: readonly ChartSeries[];
  drawn: Drawn | null;
  hovered: MouseEventParams<Time> | null;
}) {
  // Every move of the pointer draws it anew: what depends on all points is kept.
  const known = useMemo(
    () => series.map((each) => ({ last: inTime<Candle | Point>(each.points).at(-1), digits: digitsOf(each) })),
    [series],
  );
  return (
    <div className="flex min-h-7 flex-wrap items-center gap-x-4 pr-9 text-xs text-soft">
      {series.map((each, index) => {
        const line = drawn?.lines.get(each.id);
        const here = line && hovered?.time !== undefined ? hovered.seriesData.get(line) : undefined;
        return (
          <span key={each.id} className="inline-flex items-center gap-1.5">
            <span aria-hidden className={cx("inline-block h-0.5 w-3 rounded", SWATCH[toneOf(each)])} />
            {each.name}
            <span className="text-ink tabular-nums">
              {figures(here ?? known[index]?.last, known[index]?.digits ?? 0)}
            </span>
          </span>
        );
      })}
    </div>
  );
}

const SWATCH: Record<string, string> = {
  accent: "bg-accent",
  good: "bg-good",
  bad: "bg-bad",
  warn: "bg-warn",
  soft: "bg-soft",
  ink: "bg-ink",
  paper: "bg-paper",
  demo: "bg-demo",
  live: "bg-live",
};
const toneOf = (series: ChartSeries): string =>
  series.kind === "candles" || series.kind === "baseline" ? "good" : (series.tone ?? "accent");

function figures(point: object | undefined, digits: number): string {
  if (point === undefined) return "";
  if ("close" in point) {
    const { open, high, low, close } = point as Record<string, number>;
    return [open, high, low, close].map((price) => number(price ?? 0, digits)).join("  ");
  }
  const value = (point as { value?: number | null }).value;
  return value === null || value === undefined ? "" : number(value, digits);
}
