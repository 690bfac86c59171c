import { CircleAlert, Lightbulb } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Execution } from "@/live/run-record";
import { Button } from "@/ui/Button";
import { RetryButton } from "./RetryButton";

/** Why it failed, where, and what to do. */
export function RunFailure({ execution, onShow }: { execution: Execution; onShow: (node: string) => void }) {
  const { t } = useTranslation("runs");
  const { error } = execution;
  if (!error) return null;
  const run = execution.node_runs?.find((run) => run.node === error.node);
  const where = run?.name ?? error.node;
  return (
    <section
      role="alert"
      className="mx-4 my-3 flex flex-wrap items-start gap-x-4 gap-y-2 rounded-lg border border-bad bg-bad-soft px-4 py-3"
    >
      <CircleAlert size={20} aria-hidden className="mt-0.5 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-72 break-words">
        <p className="font-semibold">{where ? t("failure.in", { error: error.name, node: where }) : error.name}</p>
        <p>{error.message}</p>
        {error.hint && (
          <p className="mt-1 flex items-start gap-1.5">
            <Lightbulb size={15} aria-hidden className="mt-0.5 shrink-0 text-warn" />
            <span>
              <span className="font-medium">{t("failure.what")}: </span>
              {error.hint}
            </span>
          </p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        {run && (
          <Button small onClick={() => onShow(run.node)}>
            {t("failure.show")}
          </Button>
        )}
        <RetryButton execution={execution} small />
      </div>
    </section>
  );
}
