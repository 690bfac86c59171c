import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { number, percent } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { digitsFor, hitRates, signed, verdictOf } from "./figures";
import type { Scores } from "./queries";
import { VerdictBadge } from "./Verdict";

/** How the version did on bars it had not seen, beside saying that the price stays. */
export function WalkForward({ scores }: { scores: Scores }) {
  const { t } = useTranslation("models");
  const digits = digitsFor(scores.naive_mae);
  const facts: [string, string, string][] = [
    [t("score.mae"), number(scores.mae, digits), t("score.naive", { value: number(scores.naive_mae, digits) })],
    [t("score.skill"), signed(scores.skill, 4), t("score.skillHelp")],
    [t("score.t"), number(scores.t_statistic, 2), t("score.tHelp")],
    [t("score.direction"), percent(scores.directional_accuracy), t("score.directionHelp")],
    [t("score.n"), number(scores.n, 0), t("score.windows", { count: scores.windows })],
  ];
  return (
    <section aria-label={t("walkForward")} className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <h3 className="font-medium">{t("walkForward")}</h3>
        <VerdictBadge scores={scores} />
      </div>
      {verdictOf(scores) !== "beats" && <Notice tone="warn">{t("notProven")}</Notice>}
      <dl className="grid grid-cols-[repeat(auto-fit,minmax(9rem,1fr))] gap-3">
        {facts.map(([name, value, help]) => (
          <div key={name} className="rounded-md border border-line p-3">
            <dt className="text-xs text-soft">{name}</dt>
            <dd>
              <span className="block text-lg font-semibold tabular-nums">{value}</span>
              <span className="text-xs text-soft">{help}</span>
            </dd>
          </div>
        ))}
      </dl>
      <div className="grid gap-6 xl:grid-cols-2">
        {scores.window_mae.length > 0 && <Windows scores={scores} digits={digits} />}
        <Strengths scores={scores} />
      </div>
    </section>
  );
}

/** The error in each test window, beside the naive forecast's. */
function Windows({ scores, digits }: { scores: Scores; digits: number }) {
  const { t } = useTranslation("models");
  const most = Math.max(...scores.window_mae, ...scores.window_naive_mae) || 1;
  return (
    <figure className="m-0 flex flex-col gap-2">
      <figcaption className="font-medium">{t("windows.title")}</figcaption>
      <ul className="flex flex-col gap-2">
        {scores.window_mae.map((own, place) => {
          const naive = scores.window_naive_mae[place] ?? 0;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a window is its place
            <li key={place} className="grid grid-cols-[5.5rem_1fr_max-content] items-center gap-x-3">
              <span className="text-xs text-soft">{t("windows.one", { place: place + 1 })}</span>
              <span aria-hidden className="flex flex-col gap-0.5">
                <span className="h-2 rounded bg-accent" style={{ width: `${(own / most) * 100}%` }} />
                <span className="h-2 rounded bg-line-strong" style={{ width: `${(naive / most) * 100}%` }} />
              </span>
              <span className="text-xs tabular-nums">
                {t("windows.both", { own: number(own, digits), naive: number(naive, digits) })}
              </span>
            </li>
          );
        })}
      </ul>
      <p className="flex gap-4 text-xs text-soft">
        <Swatch className="bg-accent">{t("windows.model")}</Swatch>
        <Swatch className="bg-line-strong">{t("windows.naive")}</Swatch>
      </p>
    </figure>
  );
}

function Swatch({ className, children }: { className: string; children: string }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className={cx("inline-block h-2 w-4 rounded", className)} />
      {children}
    </span>
  );
}

/** How often the direction was right, by how strong the forecast was: a coin stands in the middle. */
function Strengths({ scores }: { scores: Scores }) {
  const { t } = useTranslation("models");
  return (
    <figure className="m-0 flex flex-col gap-2">
      <figcaption className="font-medium">{t("strength.title")}</figcaption>
      <ul className="flex flex-col gap-2.5">
        {hitRates(scores).map((rate, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a strength is its place
          <li key={place} className="grid grid-cols-[5.5rem_1fr_max-content] items-center gap-x-3">
            <span className="text-xs text-soft">{t(`strength.${place}`)}</span>
            <span aria-hidden className="relative h-4 rounded bg-sunken">
              <span
                className={cx("absolute inset-y-0 rounded", (rate ?? 0.5) < 0.5 ? "bg-bad" : "bg-good")}
                style={{
                  left: `${Math.min(rate ?? 0.5, 0.5) * 100}%`,
                  width: `${Math.abs((rate ?? 0.5) - 0.5) * 100}%`,
                }}
              />
              <span className="absolute inset-y-0 left-1/2 w-px bg-line-strong" />
            </span>
            <span className="text-xs tabular-nums">
              {rate === null ? "–" : percent(rate)} {t("strength.of", { count: scores.counts[place] ?? 0 })}
            </span>
          </li>
        ))}
      </ul>
      <p className="text-xs text-soft">{t("strength.help")}</p>
    </figure>
  );
}
