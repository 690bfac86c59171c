import { Lightbulb, Play, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { WorkflowDocument } from "@/editor/store/types";
import type { Execution, NodeRun } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { useNodeStanding, useRun } from "@/live/use-run";
import { Button, IconButton } from "@/ui/Button";
import { duration } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { RunStatus } from "@/ui/RunStatus";
import { NodeDebug } from "../debug/NodeDebug";
import { ReplayDialog } from "../ReplayDialog";
import { Values } from "./Values";

/** What one node got and gave, why it failed, and running again from it. */
export function NodeDetails({
  execution,
  document,
  node,
  onClose,
}: {
  execution: Execution;
  document: WorkflowDocument | undefined;
  node: string;
  onClose: () => void;
}) {
  const { t } = useTranslation("runs");
  const all = useRun((view) => view.runs);
  const runs = all.filter((run) => run.node === node);
  const drawn = document?.nodes.find((each) => each.id === node);
  const [turn, setTurn] = useState<number | null>(null);
  const [replaying, setReplaying] = useState(false);
  const box = useRef<HTMLElement>(null);
  // On a phone it stands below everything else.
  useEffect(() => {
    // The braces matter: a newer browser gives a promise here, which is no clean-up.
    box.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const run = runs[turn ?? runs.length - 1];
  const name = drawn?.name || run?.name || node;
  const replays = hasEnded(execution.status) && run !== undefined && run.state !== "skipped" && !run.iteration?.length;
  return (
    <aside
      ref={box}
      aria-label={t("details.label", { node: name })}
      className="flex w-96 shrink-0 flex-col border-l border-line bg-surface max-md:w-full max-md:border-t max-md:border-l-0"
    >
      <div className="flex items-center gap-2 border-b border-line px-3 py-2">
        <div className="min-w-0 flex-1">
          <h2 className="truncate">{name}</h2>
          <p className="truncate text-xs text-soft">
            {drawn?.type ?? run?.type} · {node}
          </p>
        </div>
        <IconButton small label={t("app:close")} onClick={onClose}>
          <X size={16} aria-hidden />
        </IconButton>
      </div>
      <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-y-auto p-3">
        {execution.debugging && <NodeDebug id={execution.id} node={node} />}
        {run === undefined ? <p className="text-soft">{t("details.notRun")}</p> : <Outcome run={run} />}
        {runs.length > 1 && (
          <label className="flex items-center gap-2">
            {t("details.iteration")}
            <select
              value={turn ?? runs.length - 1}
              onChange={(event) => setTurn(Number(event.target.value))}
              className="h-7 rounded-md border border-line bg-surface px-2"
            >
              {runs.map((each, position) => (
                <option key={each.iteration?.join()} value={position}>
                  {(each.iteration ?? []).map((index) => index + 1).join(" · ")} {t(`app:status.${each.state}`)}
                </option>
              ))}
            </select>
          </label>
        )}
        {replays && (
          <Button onClick={() => setReplaying(true)}>
            <Play size={14} aria-hidden />
            {t("actions.replayFrom")}
          </Button>
        )}
        {run !== undefined && <Data run={run} drawn={drawn} document={document} runs={all} />}
      </div>
      {replaying && <ReplayDialog execution={execution} from={node} onClose={() => setReplaying(false)} />}
    </aside>
  );
}

function Outcome({ run }: { run: NodeRun }) {
  const { t } = useTranslation("runs");
  const progress = useNodeStanding(run.node)?.progress;
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <RunStatus status={run.state} />
        {run.duration_ms !== null && run.duration_ms !== undefined && (
          <span className="tabular-nums">{duration(run.duration_ms)}</span>
        )}
        {run.port && <span className="text-soft">→ {run.port}</span>}
        {run.attempts > 1 && <span className="text-soft">{t("details.attempts", { count: run.attempts })}</span>}
      </div>
      {run.state === "skipped" && <p className="text-soft">{t("details.skipped")}</p>}
      {progress && (
        <div>
          <progress
            value={progress.done}
            max={progress.total ?? undefined}
            aria-label={progress.note}
            className="w-full accent-accent"
          />
          <p className="text-xs text-soft">
            {t("details.progress", { done: progress.done, total: progress.total ?? "?" })} {progress.note}
          </p>
        </div>
      )}
      {run.error && (
        <Notice tone="bad">
          <p className="font-medium">{run.error.name}</p>
          <p>{run.error.message}</p>
          {run.error.hint && (
            <p className="mt-1 flex gap-1.5">
              <Lightbulb size={14} aria-hidden className="mt-0.5 shrink-0 text-warn" />
              {run.error.hint}
            </p>
          )}
        </Notice>
      )}
      {run.given && <Notice tone="accent">{t(`details.given.${run.given}`)}</Notice>}
    </>
  );
}

/** What it gave, and what those gave that it is connected to. */
function Data({
  run,
  drawn,
  document,
  runs,
}: {
  run: NodeRun;
  drawn: WorkflowDocument["nodes"][number] | undefined;
  document: WorkflowDocument | undefined;
  runs: readonly NodeRun[];
}) {
  const { t } = useTranslation("runs");
  const sources = new Set(
    document?.connections.filter(({ target }) => target === run.node).map(({ source }) => source),
  );
  const given = runs.filter((each) => sources.has(each.node) && each.output !== null && each.output !== undefined);
  const last = new Map(given.map((each) => [each.node, each]));
  const edited = Object.keys(run.edited ?? {}).length > 0;
  return (
    <>
      {edited && <Values title={t("details.edited")} value={run.edited} />}
      {run.state === "succeeded" &&
        (run.output === null || run.output === undefined ? (
          <p className="text-soft">{t("details.none")}</p>
        ) : (
          <Values title={t("details.output")} value={run.output} />
        ))}
      {[...last.values()].map((each) => (
        <Values key={each.node} title={`${t("details.input")} · ${each.name}`} value={each.output} />
      ))}
      {drawn && Object.keys(drawn.config).length > 0 && <Values title={t("debug.settings")} value={drawn.config} />}
    </>
  );
}
