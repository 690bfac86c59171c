import { ExternalLink, Square, X } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api } from "@/api/client";
import { hasEnded, type RunView, RunWatch } from "@/live/run-watch";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { duration } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { RunStatus } from "@/ui/RunStatus";
import { toast } from "@/ui/toast";
import { openPanel } from "../store/store";
import { useLastRun } from "./run";

const never = (): (() => void) => () => {};

/** The last run started here, watched; null before one. */
export function useRunView(): RunView | null {
  const run = useLastRun((state) => state.run);
  const [watch, setWatch] = useState<RunWatch | null>(null);
  useEffect(() => {
    if (run === null) return setWatch(null);
    const opened = new RunWatch(run.id);
    opened.open();
    setWatch(opened);
    return () => opened.close();
  }, [run]);
  return useSyncExternalStore(watch?.onChange ?? never, () => watch?.view ?? null);
}

/** Under the canvas: how the run goes that was started here. */
export function RunBar({ view }: { view: RunView | null }) {
  const { t } = useTranslation("editor");
  const { run, starting, error } = useLastRun();
  if (error) {
    return (
      <div className="run-bar block">
        <Failure
          error={error}
          action={
            <IconButton small label={t("run.dismiss")} onClick={() => useLastRun.setState({ error: null })}>
              <X size={15} aria-hidden />
            </IconButton>
          }
        />
      </div>
    );
  }
  if (run === null) return null;
  const execution = view?.execution;
  const failed = view?.runs.find((each) => each.state === "failed");
  const line = view?.lines.at(-1);
  const stop = () =>
    api
      .POST("/api/agentic/executions/{id}/stop", { params: { path: { id: run.id } } })
      .catch((reason: unknown) => toast.failed(reason));
  return (
    <section aria-label={t("run.label")} className="run-bar" data-run={run.id} data-status={execution?.status}>
      <span role="status">
        <RunStatus status={starting ? "pending" : (execution?.status ?? "pending")} />
      </span>
      {run.test && <Badge tone="accent">{t("run.testMode")}</Badge>}
      {execution?.duration_ms !== undefined && <span className="text-soft">{duration(execution.duration_ms)}</span>}
      {failed ? (
        <button type="button" className="truncate text-bad underline" onClick={() => openPanel(failed.node)}>
          {t("run.failedAt", { node: failed.name, why: failed.error?.message ?? "" })}
        </button>
      ) : (
        <span className="min-w-0 flex-1 truncate text-soft">{line?.message}</span>
      )}
      <span className="ml-auto flex shrink-0 items-center gap-1">
        {execution && !hasEnded(execution.status) && (
          <Button small onClick={stop}>
            <Square size={12} aria-hidden />
            {t("run.stop")}
          </Button>
        )}
        <Link href={`/executions/${run.id}`} className="flex items-center gap-1 px-2 text-accent">
          {t("run.open")}
          <ExternalLink size={13} aria-hidden />
        </Link>
        <IconButton small label={t("run.dismiss")} onClick={() => useLastRun.setState({ run: null })}>
          <X size={15} aria-hidden />
        </IconButton>
      </span>
    </section>
  );
}
