import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, told } from "@/api/client";
import { useRunNews } from "@/live/hooks";
import { Chart, type ChartSeries } from "@/ui/Chart";
import { cx } from "@/ui/cx";
import { Figure } from "@/ui/Figure";
import { moment, number, percent } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Card, Page } from "@/ui/Page";

const usageQuery = () =>
  queryOptions({ queryKey: ["usage"], queryFn: () => told(api.GET("/api/agentic/usage")), refetchInterval: 10_000 });

type Told = Schemas["Usage"];

/** What was run, beside what the plan allows. */
export default function Usage() {
  const { t } = useTranslation("usage");
  const { data, error } = useQuery(usageQuery());
  useRunNews("usage");
  return (
    <Page title={t("title")} lead={t("lead")}>
      <Failure error={error} />
      {data && (
        <>
          <Plan usage={data} />
          <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
            {(["minute", "day", "month", "at_once"] as const).map((name) => (
              <li key={name}>
                <Meter name={t(`meters.${name}`)} meter={data[name]} />
              </li>
            ))}
          </ul>
          <Days days={data.days} />
        </>
      )}
    </Page>
  );
}

function Plan({ usage }: { usage: Told }) {
  const { t } = useTranslation("usage");
  const small = (text: string) => <span className="block truncate text-xs font-normal text-soft">{text}</span>;
  return (
    <dl className="grid gap-3 sm:grid-cols-3">
      <Figure name={t("plan")} strong>
        {t(`tier.${usage.tier}`)}
        {small(t(`tierMeans.${usage.tier}`))}
      </Figure>
      <Figure name={t("workflows")} strong>
        {usage.workflows}
        {small(
          [
            t("active", { count: usage.active_workflows }),
            usage.at_once_of_workflow && t("perWorkflow", { count: usage.at_once_of_workflow }),
          ]
            .filter(Boolean)
            .join(" · "),
        )}
      </Figure>
      <Figure name={t("cost")} strong>
        {t(usage.billed ? "billed" : "free")}
        {small(t(usage.billed ? "billedMeans" : "freeMeans"))}
      </Figure>
    </dl>
  );
}

const NEAR = 0.8;

function Meter({ name, meter }: { name: string; meter: Schemas["Meter"] }) {
  const { t } = useTranslation("usage");
  const share = meter.limit ? Math.min(meter.used / meter.limit, 1) : null;
  const tone = share === null || share < NEAR ? "bg-good" : share < 1 ? "bg-warn" : "bg-bad";
  return (
    <div className="h-full rounded-lg border border-line bg-surface p-3">
      <p className="text-soft">{name}</p>
      <p className="tabular-nums">
        <span className="text-2xl font-semibold">{number(meter.used, 0)}</span>{" "}
        <span className="text-soft">
          {meter.limit == null ? t("noLimit") : t("of", { limit: number(meter.limit, 0) })}
        </span>
      </p>
      {share !== null && (
        <>
          <meter
            className="sr-only"
            value={share}
            max={1}
            aria-label={`${name}: ${t("used", { share: percent(share, 0) })}`}
          />
          <div aria-hidden className="my-1.5 h-1.5 rounded-full bg-sunken">
            <div className={cx("h-1.5 rounded-full", tone)} style={{ width: `${share * 100}%` }} />
          </div>
          {share >= NEAR && <p className={share < 1 ? "text-warn" : "text-bad"}>{t(share < 1 ? "near" : "full")}</p>}
        </>
      )}
      {meter.limit != null && meter.renews_at && (
        <p className="text-xs text-soft">{t("renews", { when: moment(meter.renews_at) })}</p>
      )}
    </div>
  );
}

function Days({ days }: { days: Told["days"] }) {
  const { t } = useTranslation("usage");
  const series = useMemo<ChartSeries[]>(() => {
    const at = (day: string) => `${day}T00:00:00Z`;
    // What ended badly stands in front of all that started, from the same base.
    return [
      {
        id: "started",
        name: t("started"),
        kind: "histogram",
        tone: "accent",
        digits: 0,
        points: days.map(({ day, started }) => ({ time: at(day), value: started })),
      },
      {
        id: "failed",
        name: t("failed"),
        kind: "histogram",
        tone: "bad",
        digits: 0,
        points: days.map(({ day, failed }) => ({ time: at(day), value: failed })),
      },
    ];
  }, [days, t]);
  const sum = (name: "started" | "failed") => days.reduce((all, day) => all + day[name], 0);
  return (
    <Card title={t("days")}>
      <p className="mb-2 text-soft">{t("daysLead")}</p>
      <Chart label={t("daysLabel", { started: sum("started"), failed: sum("failed") })} series={series} height={240} />
      <p className="mt-2 text-xs text-soft">{t("kept")}</p>
    </Card>
  );
}
