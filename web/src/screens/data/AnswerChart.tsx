import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Bars } from "@/ui/Bars";
import { Chart } from "@/ui/Chart";
import { number } from "@/ui/format";
import { barsOf, type Charting, MOST_BARS, MOST_LINES, seriesOf } from "./charting";
import { Chip } from "./parts";
import type { Result } from "./queries";

/** A line for each figure over a column of times, or bars over a column of words. */
export function AnswerChart({ result, charting }: { result: Result; charting: Charting }) {
  const { t } = useTranslation("data");
  const [chosen, setChosen] = useState({ across: "", figures: [] as string[] });
  const across = charting.across.includes(chosen.across) ? chosen.across : (charting.across[0] ?? "");
  const known = chosen.figures.filter((figure) => charting.figures.includes(figure));
  const first = charting.figures.at(-1);
  const shown = (known.length ? known : first ? [first] : []).join(" ");
  // Names hold no spaces; as one text they are the same from one rendering to the next.
  const figures = useMemo(() => shown.split(" ").filter(Boolean), [shown]);
  const overTime = charting.times.has(across);
  const toggle = (figure: string) => {
    if (!overTime) return setChosen({ across, figures: [figure] });
    const others = figures.filter((each) => each !== figure);
    const all = others.length === figures.length ? [...figures, figure].slice(-MOST_LINES) : others;
    setChosen({ across, figures: all.length ? all : figures });
  };
  const series = useMemo(() => seriesOf(result.rows, across, figures), [result, across, figures]);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <label className="inline-flex items-center gap-2 text-soft">
          {t("chart.across")}
          <select
            value={across}
            onChange={(event) => setChosen({ across: event.target.value, figures })}
            className="h-8 rounded-md border border-line-strong bg-surface px-2 text-sm text-ink"
          >
            {charting.across.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <span className="text-soft">{t("chart.figures")}</span>
        {charting.figures.map((figure) => (
          <Chip key={figure} name={figure} on={figures.includes(figure)} onToggle={() => toggle(figure)} />
        ))}
      </div>
      {overTime ? (
        <Chart label={t("chart.label", { figures: figures.join(", "), across })} series={series} height={320} />
      ) : (
        <Categories result={result} across={across} figure={figures[0] ?? ""} />
      )}
    </div>
  );
}

function Categories({ result, across, figure }: { result: Result; across: string; figure: string }) {
  const { t } = useTranslation("data");
  const bars = useMemo(() => barsOf(result.rows, across, figure), [result, across, figure]);
  return (
    <>
      <Bars
        label={t("chart.label", { figures: figure, across })}
        bars={bars.slice(0, MOST_BARS)}
        format={(value) => number(value, Number.isInteger(value) ? 0 : 2)}
      />
      {bars.length > MOST_BARS && (
        <p className="text-soft">{t("chart.first", { count: MOST_BARS, of: bars.length })}</p>
      )}
    </>
  );
}
