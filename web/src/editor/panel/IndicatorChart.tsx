import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, told } from "@/api/client";
import { isObject } from "@/forms/schema";
import { isExpression, withValue } from "@/forms/values";
import { Chart, type ChartMarker, type ChartSeries, type ChartTone } from "@/ui/Chart";
import { Failure, Notice } from "@/ui/Notice";
import { useEditor } from "../store/store";
import type { NodeDoc, WorkflowDocument } from "../store/types";

type Drawn = Schemas["IndicatorPreview"];
type Where = { account: string; symbol: string; timeframe: string };

const COUNTS = [100, 200, 500];
const TIMEFRAMES = ["M1", "M5", "M15", "M30", "H1", "H4", "D1"];

/** The indicator on the last real candles, drawn anew as its settings change. */
export function IndicatorChart({ node, values }: { node: NodeDoc; values: Record<string, unknown> | null }) {
  const { t } = useTranslation("panel");
  const document = useEditor((state) => state.document);
  const [chosen, setChosen] = useState<Partial<Where>>({});
  const [count, setCount] = useState(200);
  // While the settings are wrong, the last drawing stays.
  const sound = useRef(values ?? {});
  if (values) sound.current = values;
  const drawn = sound.current;
  const where = { ...placeOf(document, node, drawn), ...chosen };
  const config = useMemo(() => fixed(withValue(drawn, "bars", undefined)), [drawn]);
  const { data, error, isFetching } = useQuery({
    queryKey: ["indicator-preview", node.type, config, where, count],
    gcTime: 60_000,
    enabled: values !== null,
    queryFn: ({ signal }) =>
      told(
        api.POST("/api/agentic/indicators/preview", {
          signal,
          body: { type: node.type, config, count, ...where, timeframe: where.timeframe as "H1" },
        }),
      ),
  });
  return (
    <div className="flex flex-col gap-3" aria-busy={isFetching}>
      <div className="flex flex-wrap items-center gap-2 text-xs">
        <input
          aria-label={t("chart.symbol")}
          value={where.symbol}
          onChange={(event) => setChosen({ ...chosen, symbol: event.target.value })}
          className="h-7 w-24 rounded-md border border-line bg-surface px-2 font-medium"
        />
        <Choice
          label={t("chart.timeframe")}
          value={where.timeframe}
          choices={[...new Set([...TIMEFRAMES, where.timeframe])]}
          onChange={(timeframe) => setChosen({ ...chosen, timeframe })}
        />
        <Choice
          label={t("chart.count")}
          value={String(count)}
          choices={COUNTS.map(String)}
          onChange={(bars) => setCount(Number(bars))}
          show={(bars) => t("chart.bars", { count: Number(bars) })}
        />
      </div>
      <Failure error={error} />
      {data && <Picture drawn={data} where={where} title={node.name || node.id} />}
      {values === null && data && <Notice tone="warn">{t("chart.wrong")}</Notice>}
      {!data && !error && <p role="status">{t("app:loading")}</p>}
    </div>
  );
}

const TONES: ChartTone[] = ["accent", "warn", "demo", "soft", "good", "bad", "paper"];

function Picture({ drawn, where, title }: { drawn: Drawn; where: Where; title: string }) {
  const { t } = useTranslation("panel");
  const { series, markers, levels } = useMemo(() => pictureOf(drawn, where.symbol), [drawn, where.symbol]);
  const beneath = drawn.lines.some((line) => line.pane === "own");
  const label = t("chart.label", { title, symbol: where.symbol, timeframe: where.timeframe });
  return (
    <>
      <Chart label={label} series={series} markers={markers} levels={levels} height={beneath ? 440 : 360} />
      <ul className="flex flex-col gap-1 text-xs" aria-label={t("chart.lines")}>
        {drawn.lines.map((line, index) => (
          <li key={line.name} className="flex items-baseline gap-2" data-line={line.name}>
            <span
              aria-hidden
              className="inline-block h-0.5 w-4 shrink-0 self-center"
              style={{ background: `var(--${TONES[index % TONES.length]})` }}
            />
            <span className="font-medium">{line.name}</span>
            <span className="font-mono tabular-nums">{lastOf(line.values)}</span>
            <span className="min-w-0 flex-1 truncate text-soft" title={line.help}>
              {line.help}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

const lastOf = (values: (number | null)[]): string => {
  const last = values.at(-1);
  return last === null || last === undefined ? "–" : String(Number(last.toPrecision(7)));
};

function pictureOf(drawn: Drawn, symbol: string) {
  const { candles } = drawn;
  const times = candles.time.map((second) => second * 1_000);
  const at = (index: number) => times[index] ?? 0;
  const series: ChartSeries[] = [
    {
      id: "candles",
      name: symbol,
      kind: "candles",
      points: candles.close.map((close, index) => ({
        time: at(index),
        open: candles.open[index] ?? close,
        high: candles.high[index] ?? close,
        low: candles.low[index] ?? close,
        close,
      })),
    },
    ...drawn.lines.map(
      (line, index): ChartSeries => ({
        id: line.name,
        name: line.name,
        kind: line.look,
        pane: line.pane === "own" ? 1 : 0,
        tone: TONES[index % TONES.length] ?? "accent",
        points: line.values.map((value, row) => ({ time: at(row), value })),
      }),
    ),
  ];
  const markers = drawn.marks.map(
    (mark): ChartMarker => ({
      series: "candles",
      time: mark.time * 1_000,
      shape: mark.side,
      at: mark.side === "up" ? "below" : "above",
      tone: mark.side === "up" ? "good" : "bad",
    }),
  );
  const own = drawn.lines.find((line) => line.pane === "own")?.name;
  const levels = drawn.levels.map((level) => ({
    name: level.field,
    value: level.value,
    tone: "soft" as const,
    ...(own ? { series: own } : {}),
  }));
  return { series, markers, levels };
}

/** The bars the node would see: those of the last run, else those its history node names. */
function placeOf(document: WorkflowDocument, node: NodeDoc, values: Record<string, unknown>): Where {
  const account = String(document.settings.broker_account ?? "paper");
  const bars = values.bars;
  const from = isObject(bars) ? bars : historyOf(document, node.id);
  const text = (value: unknown, other: string) =>
    typeof value === "string" && value !== "" && !isExpression(value) ? value : other;
  return { account, symbol: text(from.symbol, "EURUSD"), timeframe: text(from.timeframe, "H1") };
}

/** The configuration of the nearest node before it that reads history. */
function historyOf(document: WorkflowDocument, id: string): Record<string, unknown> {
  const seen = new Set<string>();
  let level = [id];
  while (level.length > 0) {
    level = document.connections
      .filter((each) => level.includes(each.target) && !seen.has(each.source))
      .map((each) => each.source);
    for (const each of level) {
      seen.add(each);
      const node = document.nodes.find((one) => one.id === each);
      if (node?.type === "market.history") return node.config;
    }
  }
  return {};
}

/** Without what has no value yet: an expression that gives nothing leaves its setting at the default. */
const fixed = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => !isExpression(value)));

function Choice({
  label,
  value,
  choices,
  onChange,
  show = (choice) => choice,
}: {
  label: string;
  value: string;
  choices: string[];
  onChange: (value: string) => void;
  show?: (choice: string) => string;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className="h-7 rounded-md border border-line bg-surface px-1.5"
    >
      {choices.map((each) => (
        <option key={each} value={each}>
          {show(each)}
        </option>
      ))}
    </select>
  );
}
