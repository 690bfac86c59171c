import { useMutation, useQuery } from "@tanstack/react-query";
import { Bug, ChevronLeft, GitCompare, Pencil, Play, Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { api, told } from "@/api/client";
import { workflowsQuery } from "@/api/queries";
import type { Execution } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { useWatch } from "@/live/use-run";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { duration, moment } from "@/ui/format";
import { RunStatus } from "@/ui/RunStatus";
import { toast } from "@/ui/toast";
import { ReplayDialog } from "./ReplayDialog";
import { RetryButton } from "./RetryButton";
import { useNow } from "./use-now";

/** A link that stands among buttons looks like one. */
const LINK =
  "inline-flex h-9 items-center gap-1.5 rounded-md border border-line bg-surface px-3 text-sm font-medium hover:bg-sunken";

/** What ran, how it stands, and what can be done about it. */
export function RunHeader({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-surface px-4 py-2.5">
      <Link href="/executions" aria-label={t("title")} title={t("title")} className="rounded p-1 hover:bg-sunken">
        <ChevronLeft size={18} aria-hidden />
      </Link>
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-2">
          <h1 className="truncate text-base">{execution.workflow_name || execution.workflow_id}</h1>
          <RunStatus status={execution.status} />
          {execution.has_errors && <Badge tone="warn">{t("withErrors")}</Badge>}
          {execution.test_mode && <Badge tone="accent">{t("testMode")}</Badge>}
          {execution.debugging && <Badge tone="warn">{t("debugging")}</Badge>}
          {(execution.retries?.length ?? 0) > 0 && (
            <Badge>{t("retried", { count: execution.retries?.length ?? 0 })}</Badge>
          )}
        </div>
        <Facts execution={execution} />
      </div>
      <div className="ml-auto flex flex-wrap items-center gap-2">
        <Actions execution={execution} />
      </div>
    </header>
  );
}

function Facts({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  const running = !hasEnded(execution.status);
  const now = useNow(running, 500);
  const took = running ? now - Date.parse(execution.started_at) : execution.duration_ms;
  const facts: [string, string][] = [
    [t("started"), moment(execution.started_at)],
    [t("took"), duration(took)],
    [t("market"), moment(execution.as_of)],
    [t("account"), execution.account],
  ];
  return (
    <dl className="flex flex-wrap gap-x-4 text-xs text-soft">
      {facts.map(([word, value]) => (
        <div key={word} className="flex gap-1">
          <dt>{word}</dt>
          <dd className="text-ink tabular-nums">{value}</dd>
        </div>
      ))}
      {execution.replay_of && (
        <div className="flex gap-1">
          <dt>{t("replayOf")}</dt>
          <dd>
            <Link href={`/executions/${execution.replay_of}`} className="font-mono text-accent underline">
              {execution.replay_of.slice(0, 8)}
            </Link>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Actions({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  const [replaying, setReplaying] = useState(false);
  const ended = hasEnded(execution.status);
  const known = useKnown(execution.workflow_id);
  return (
    <>
      {!ended && <StopButton execution={execution} />}
      {!execution.error && <RetryButton execution={execution} />}
      {ended && (
        <>
          <Button onClick={() => setReplaying(true)}>
            <Play size={14} aria-hidden />
            {t("actions.replay")}
          </Button>
          {known && <DebugButton execution={execution} />}
          <CompareButton execution={execution} />
        </>
      )}
      {known && (
        <Link href={`/workflows/${encodeURIComponent(execution.workflow_id)}`} className={LINK}>
          <Pencil size={14} aria-hidden />
          <span className="max-lg:sr-only">{t("editor")}</span>
        </Link>
      )}
      {replaying && <ReplayDialog execution={execution} from={null} onClose={() => setReplaying(false)} />}
    </>
  );
}

function StopButton({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  const watch = useWatch();
  const stop = useMutation({
    mutationFn: () => told(api.POST("/api/agentic/executions/{id}/stop", { params: { path: { id: execution.id } } })),
    onSuccess: () => {
      toast.done(t("actions.stopping"));
      watch.refresh();
    },
    onError: toast.failed,
  });
  return (
    <Button tone="danger" title={t("actions.stopLead")} disabled={stop.isPending} onClick={() => stop.mutate()}>
      <Square size={13} aria-hidden />
      {t("actions.stop")}
    </Button>
  );
}

function DebugButton({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  const [, go] = useLocation();
  const start = useMutation({
    mutationFn: () =>
      told(
        api.POST("/api/agentic/workflows/{id}/debug", {
          params: { path: { id: execution.workflow_id } },
          body: {
            version: execution.version,
            trigger: execution.trigger,
            payload: execution.payload ?? {},
            step: true,
            use_pins: true,
            wait_s: 5,
          },
        }),
      ),
    onSuccess: (session) => {
      toast.done(t("actions.debugStarted"));
      go(`/executions/${session.execution.id}`);
    },
    onError: toast.failed,
  });
  return (
    <Button disabled={start.isPending} onClick={() => start.mutate()}>
      <Bug size={14} aria-hidden />
      <span className="max-lg:sr-only">{t("actions.debug")}</span>
    </Button>
  );
}

/** Whether the workflow is still there: it may have been deleted since. */
function useKnown(workflow: string): boolean {
  const { data } = useQuery(workflowsQuery());
  return data?.items.some(({ id }) => id === workflow) ?? false;
}

/** The run of the same workflow before this one. */
function CompareButton({ execution }: { execution: Execution }) {
  const { t } = useTranslation("runs");
  const { data } = useQuery({
    enabled: useKnown(execution.workflow_id),
    queryKey: ["executions", execution.id, "before"],
    queryFn: () =>
      told(
        api.GET("/api/agentic/workflows/{id}/executions", {
          params: { path: { id: execution.workflow_id }, query: { limit: 2, before: execution.started_at } },
        }),
      ),
  });
  const other = data?.items.find((each) => each.id !== execution.id);
  if (!other) return null;
  return (
    <Link href={`/executions/${other.id}/compare/${execution.id}`} title={t("actions.compare")} className={LINK}>
      <GitCompare size={14} aria-hidden />
      <span className="sr-only">{t("actions.compare")}</span>
    </Link>
  );
}
