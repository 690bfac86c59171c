import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Execution, NodeRun } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { useRun } from "@/live/use-run";
import { cx } from "@/ui/cx";
import { duration } from "@/ui/format";
import { place, type Row, rowsOf, type Scale, scaleOf } from "./timeline";
import { useNames } from "./use-names";
import { useNow } from "./use-now";

const LOOKS: Record<NodeRun["state"], string> = {
  running: "bg-accent animate-pulse",
  waiting: "bg-accent/40",
  paused: "bg-warn/60",
  succeeded: "bg-good",
  failed: "bg-bad",
  skipped: "bg-line",
};

/** When each node ran, one row each: what took long, and what waited for what. */
export function Timeline({
  execution,
  selected,
  onSelect,
}: {
  execution: Execution;
  selected: string | null;
  onSelect: (node: string) => void;
}) {
  const { t } = useTranslation("runs");
  const runs = useRun((view) => view.runs);
  const names = useNames(execution.id);
  const now = useNow(!hasEnded(execution.status), 250);
  const rows = useMemo(() => rowsOf(runs, now), [runs, now]);
  const scale = useMemo(() => scaleOf(rows, Date.parse(execution.started_at)), [rows, execution.started_at]);
  if (rows.length === 0) return <p className="p-4 text-soft">{t("timeline.empty")}</p>;
  return (
    <section aria-label={t("timeline.label")} className="min-w-[36rem] px-3 py-2">
      <div className="relative ml-40 h-6 border-b border-line text-xs text-soft tabular-nums">
        {scale.ticks.map((tick) => (
          <span
            key={tick}
            className="absolute bottom-1 -translate-x-1/2 first:translate-x-0"
            style={{ left: `${place({ from: scale.start + tick, to: 0 }, scale).left}%` }}
          >
            {duration(tick)}
          </span>
        ))}
      </div>
      <ul>
        {rows.map((row) => (
          <TimelineRow
            key={row.node}
            row={row}
            scale={scale}
            name={names.get(row.node) ?? row.name}
            selected={row.node === selected}
            onSelect={onSelect}
          />
        ))}
      </ul>
    </section>
  );
}

const TimelineRow = memo(function TimelineRow({
  row,
  scale,
  name,
  selected,
  onSelect,
}: {
  row: Row;
  scale: Scale;
  name: string;
  selected: boolean;
  onSelect: (node: string) => void;
}) {
  const { t } = useTranslation("runs");
  const last = row.bars.at(-1);
  const took = duration(row.bars.reduce((sum, bar) => sum + bar.to - bar.from, 0));
  const said = {
    node: name,
    status: t(`app:status.${last?.state ?? "skipped"}`),
    took,
    after: duration(row.from - scale.start),
  };
  return (
    <li style={{ contentVisibility: "auto", containIntrinsicSize: "auto 26px" }}>
      <button
        type="button"
        aria-label={t("timeline.bar", said)}
        onClick={() => onSelect(row.node)}
        className={cx(
          "flex h-6.5 w-full items-center rounded text-left",
          selected ? "bg-accent-soft" : "hover:bg-sunken",
        )}
      >
        <span className="w-40 shrink-0 truncate pr-3 pl-1">{name}</span>
        <span className="relative h-full min-w-0 flex-1">
          {row.bars.map((bar) => {
            const { left, width } = place(bar, scale);
            return (
              <span
                key={bar.key}
                className={cx("absolute top-1.5 h-3.5 min-w-0.75 rounded-sm", LOOKS[bar.state])}
                style={{ left: `${left}%`, width: `${width}%` }}
              />
            );
          })}
          <Words row={row} scale={scale} took={took} />
        </span>
      </button>
    </li>
  );
});

/** How long it took, beside the bar on the side where there is room. */
function Words({ row, scale, took }: { row: Row; scale: Scale; took: string }) {
  const { left, width } = place(row, scale);
  const end = left + width;
  const style = end < 85 ? { left: `calc(${end}% + 6px)` } : { right: `calc(${100 - left}% + 6px)` };
  return (
    <span className="absolute top-1 text-xs text-soft tabular-nums" style={style}>
      {took}
    </span>
  );
}
