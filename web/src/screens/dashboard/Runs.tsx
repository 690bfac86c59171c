import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { healthQuery } from "@/api/queries";
import { endedBadly } from "@/screens/workflows/listing";
import { cx } from "@/ui/cx";
import { duration, moment } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { RunStatus } from "@/ui/RunStatus";
import { recentRunsQuery } from "./queries";

type Run = Schemas["ExecutionSummary"];
const SHOWN = 6;

/** What ran lately, and what of it failed, with why. */
export function Runs() {
  const { t } = useTranslation("dashboard");
  const { data, error } = useQuery(recentRunsQuery());
  const running = useQuery(healthQuery()).data?.running;
  const runs = data?.items ?? [];
  const failed = runs.filter(({ status }) => endedBadly(status));
  return (
    <Card
      title={t("runs.title")}
      actions={
        <Link href="/executions" className="text-accent hover:underline">
          {t("runs.all")}
        </Link>
      }
    >
      <Failure error={error} />
      <dl className="mb-3 flex flex-wrap gap-x-6 gap-y-1">
        <Count name={t("runs.ran")} count={data?.total} />
        <Count name={t("runs.running")} count={running} />
        <Count
          name={t("runs.failed")}
          count={failed.length}
          bad={failed.length > 0}
          aside={t("runs.of", { count: runs.length })}
        />
      </dl>
      {data && runs.length === 0 && <p className="text-soft">{t("runs.none")}</p>}
      {failed.length > 0 && <List title={t("runs.latest")} runs={failed.slice(0, SHOWN)} />}
      {runs.length > 0 && failed.length === 0 && <p className="mb-2 text-good">{t("runs.allWell")}</p>}
      {runs.length > 0 && <List title={t("runs.recent")} runs={runs.slice(0, SHOWN)} />}
    </Card>
  );
}

function Count({
  name,
  count,
  bad = false,
  aside,
}: {
  name: string;
  count: number | undefined;
  bad?: boolean;
  aside?: string;
}) {
  return (
    <div className="flex items-baseline gap-1.5">
      <dt className="text-soft">{name}</dt>
      <dd className={cx("text-lg font-semibold tabular-nums", bad && "text-bad")}>
        {count ?? "–"}
        {aside && <span className="ml-1 text-xs font-normal text-soft">{aside}</span>}
      </dd>
    </div>
  );
}

function List({ title, runs }: { title: string; runs: Run[] }) {
  return (
    <section aria-label={title} className="mb-3 last:mb-0">
      <h3 className="mb-1 text-xs font-medium text-soft">{title}</h3>
      <ul className="divide-y divide-line">
        {runs.map((run) => (
          <li key={run.id} className="flex flex-wrap items-center gap-x-3 gap-y-0.5 py-1.5">
            <RunStatus status={run.status} />
            <Link href={`/executions/${run.id}`} className="min-w-0 flex-1 truncate font-medium hover:underline">
              {run.workflow_name}
            </Link>
            <span className="text-xs text-soft tabular-nums">
              {moment(run.started_at)} · {duration(run.duration_ms)}
            </span>
            {run.error && <p className="w-full break-words text-bad">{run.error.message}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
