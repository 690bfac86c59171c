import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { unreachable } from "@/api/client";
import { RunProvider, useRun, useRunWatch } from "@/live/use-run";
import { Failure, Notice } from "@/ui/Notice";
import { DebugPanel } from "./debug/DebugPanel";
import { useDebugKeys } from "./debug/keys";
import { useSessionNews } from "./debug/session";
import { NodeDetails } from "./details/NodeDetails";
import { documentQuery } from "./queries";
import { RunFailure } from "./RunFailure";
import { RunGraph } from "./RunGraph";
import { RunHeader } from "./RunHeader";
import { RunTabs } from "./RunTabs";

/** One execution: where it went on the canvas, what it said and when, and what can be done about it. */
export default function ExecutionView({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const watch = useRunWatch(id);
  return (
    <RunProvider value={watch}>
      <Watched key={id} id={id} />
    </RunProvider>
  );
}

function Watched({ id }: { id: string }) {
  const { t } = useTranslation("runs");
  const execution = useRun((view) => view.execution);
  const error = useRun((view) => view.error);
  const { data: document, error: noDocument } = useQuery(documentQuery(id));
  const [selected, select] = useState<string | null>(null);
  const debugged = execution?.debugging === true;
  useSessionNews(id, debugged);
  useDebugKeys(id, debugged);
  useEffect(() => {
    if (execution) window.document.title = `${execution.workflow_name} · ${t(`app:status.${execution.status}`)}`;
  }, [execution, t]);

  if (execution === null) {
    return (
      <div className="p-6">
        {error ? (
          <Failure error={error} />
        ) : (
          <p role="status" className="text-soft">
            {t("waitingFor")}
          </p>
        )}
      </div>
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col max-md:overflow-y-auto">
      <RunHeader execution={execution} />
      {error !== null && (
        <div className="px-4 pt-3">
          {unreachable(error) ? <Notice tone="warn">{t("stale")}</Notice> : <Failure error={error} />}
        </div>
      )}
      <RunFailure execution={execution} onShow={select} />
      <div className="flex min-h-0 flex-1 max-md:flex-col">
        <div className="flex min-w-0 flex-1 flex-col">
          <div className="min-h-40 flex-[55] border-b border-line max-md:h-56 max-md:flex-none">
            {document && (
              <RunGraph id={id} document={document} selected={selected} onSelect={select} debugged={debugged} />
            )}
            {noDocument && (
              <div className="p-4">
                <Failure error={noDocument} />
              </div>
            )}
          </div>
          <RunTabs execution={execution} selected={selected} onSelect={select} />
        </div>
        {debugged && selected === null && <DebugPanel id={id} />}
        {selected !== null && (
          <NodeDetails
            key={selected}
            execution={execution}
            document={document}
            node={selected}
            onClose={() => select(null)}
          />
        )}
      </div>
    </div>
  );
}
