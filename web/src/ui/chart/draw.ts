// Makes and fills a lightweight-charts chart in the colours of the page.
import {
  AreaSeries,
  BaselineSeries,
  CandlestickSeries,
  ColorType,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  LineSeries,
  LineStyle,
  type SeriesMarker,
  type SeriesType,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { type ChartLevel, type ChartMarker, type ChartSeries, digitsOf, inTime, seconds } from "./series";

type Line = ISeriesApi<SeriesType, Time>;
export type Drawn = {
  chart: IChartApi;
  lines: Map<string, Line>;
  markers: Map<string, ISeriesMarkersPluginApi<Time>>;
  levels: [Line, IPriceLine][];
};

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
/** The same colour, seen through: the page's palette is all six digits. */
const veil = (name: string, share: number): string =>
  `${colour(name)}${Math.round(share * 255)
    .toString(16)
    .padStart(2, "0")}`;

export function draw(host: HTMLElement, series: readonly ChartSeries[], spark: boolean): Drawn {
  const chart = createChart(host, {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: colour("soft"),
      fontSize: 11,
      fontFamily: getComputedStyle(document.body).fontFamily,
      attributionLogo: false, // puts a style element into the page; the attribution stands in Help
      panes: { separatorColor: colour("line"), separatorHoverColor: colour("accent-soft") },
    },
    grid: { vertLines: { visible: false }, horzLines: { visible: !spark, color: veil("line", 0.6) } },
    rightPriceScale: { visible: !spark, borderVisible: false },
    timeScale: { visible: !spark, borderColor: colour("line"), timeVisible: intraday(series), secondsVisible: false },
    crosshair: {
      vertLine: { color: colour("line-strong"), labelBackgroundColor: colour("accent"), visible: !spark },
      horzLine: { color: colour("line-strong"), labelBackgroundColor: colour("accent"), visible: !spark },
    },
    handleScroll: !spark && { mouseWheel: false, vertTouchDrag: false, pressedMouseMove: true, horzTouchDrag: true },
    handleScale: !spark && { mouseWheel: true, pinch: true, axisPressedMouseMove: true, axisDoubleClickReset: true },
  });
  const lines = new Map(series.map((each) => [each.id, added(chart, each, spark)]));
  return { chart, lines, markers: new Map(), levels: [] };
}

/** Whether any two points are less than a day apart: only then does the clock's time say anything. */
function intraday(series: readonly ChartSeries[]): boolean {
  return series.some((each) => each.points.some((point) => seconds(point.time) % 86_400 !== 0));
}

function added(chart: IChartApi, series: ChartSeries, spark: boolean): Line {
  const digits = digitsOf(series);
  const common = {
    priceLineVisible: false,
    lastValueVisible: !spark,
    priceFormat: { type: "price" as const, precision: digits, minMove: 10 ** -digits },
  };
  const pane = series.pane ?? 0;
  const [good, bad] = [colour("good"), colour("bad")];
  switch (series.kind) {
    case "candles": {
      const looks = { upColor: good, borderUpColor: good, wickUpColor: good, downColor: bad, borderDownColor: bad };
      return chart.addSeries(CandlestickSeries, { ...common, ...looks, wickDownColor: bad }, pane);
    }
    case "baseline":
      return chart.addSeries(
        BaselineSeries,
        {
          ...common,
          baseValue: { type: "price", price: series.base ?? 0 },
          lineWidth: 2,
          topLineColor: good,
          topFillColor1: veil("good", 0.25),
          topFillColor2: veil("good", 0.02),
          bottomLineColor: bad,
          bottomFillColor1: veil("bad", 0.02),
          bottomFillColor2: veil("bad", 0.25),
        },
        pane,
      );
    case "area": {
      const tone = series.tone ?? "accent";
      const looks = { lineColor: colour(tone), topColor: veil(tone, 0.28), bottomColor: veil(tone, 0.02) };
      return chart.addSeries(AreaSeries, { ...common, ...looks, lineWidth: 2 }, pane);
    }
    case "histogram":
      return chart.addSeries(HistogramSeries, { ...common, color: veil(series.tone ?? "accent", 0.7) }, pane);
    case "line": {
      const lineStyle = series.dashed ? LineStyle.Dashed : LineStyle.Solid;
      const looks = { color: colour(series.tone ?? "accent"), lineWidth: 2 as const, lineStyle };
      return chart.addSeries(LineSeries, { ...common, ...looks, crosshairMarkerRadius: 3 }, pane);
    }
  }
}

type Figures = {
  series: readonly ChartSeries[];
  markers: readonly ChartMarker[];
  levels: readonly ChartLevel[];
};

/** Puts these figures into a chart of the same shape. */
export function fill(drawn: Drawn, { series, markers, levels }: Figures): void {
  for (const each of series) {
    const line = drawn.lines.get(each.id);
    if (line === undefined) continue;
    line.setData(dataOf(each) as never);
    const own = markers.filter((marker) => (marker.series ?? series[0]?.id) === each.id);
    const made = drawn.markers.get(each.id);
    if (made) made.setMarkers(own.map(markerOf).sort(byTime));
    else if (own.length) drawn.markers.set(each.id, createSeriesMarkers(line, own.map(markerOf).sort(byTime)));
  }
  for (const [line, level] of drawn.levels) line.removePriceLine(level);
  drawn.levels = levels.flatMap((level) => {
    const line = drawn.lines.get(level.series ?? series[0]?.id ?? "");
    if (line === undefined) return [];
    const looks = { price: level.value, title: level.name, color: colour(level.tone) };
    return [[line, line.createPriceLine({ ...looks, lineStyle: LineStyle.Dashed, lineWidth: 1 })]];
  });
}

function dataOf(series: ChartSeries): object[] {
  if (series.kind === "candles") {
    return inTime(series.points).map(({ at, open, high, low, close }) => ({
      time: at as UTCTimestamp,
      open,
      high,
      low,
      close,
    }));
  }
  return inTime(series.points).map(({ at, value }) =>
    value === null || !Number.isFinite(value) ? { time: at as UTCTimestamp } : { time: at as UTCTimestamp, value },
  );
}

const SHAPES = { up: "arrowUp", down: "arrowDown", circle: "circle", square: "square" } as const;
const PLACES = { above: "aboveBar", below: "belowBar", on: "inBar" } as const;

function markerOf(marker: ChartMarker): SeriesMarker<Time> {
  return {
    time: seconds(marker.time) as UTCTimestamp,
    position: PLACES[marker.at],
    shape: SHAPES[marker.shape],
    color: colour(marker.tone),
    ...(marker.text ? { text: marker.text } : {}),
  };
}

const byTime = (a: SeriesMarker<Time>, b: SeriesMarker<Time>): number => Number(a.time) - Number(b.time);
