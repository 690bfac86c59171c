import { useMutation } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, told } from "@/api/client";
import type { Execution } from "@/live/run-record";
import { useWatch } from "@/live/use-run";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";

const canRetry = (status: string): boolean => status === "failed" || status === "timed_out";

/** Lets a failed run go on; asks once more where it is refused for its age. */
export function RetryButton({ execution, small = false }: { execution: Execution; small?: boolean }) {
  const { t } = useTranslation("runs");
  const watch = useWatch();
  const [asked, setAsked] = useState(false);
  const retry = useMutation({
    mutationFn: (even_if_old: boolean) =>
      told(
        api.POST("/api/agentic/executions/{id}/retry", {
          params: { path: { id: execution.id } },
          body: { even_if_old, wait_s: 0 },
        }),
      ),
    onSuccess: () => {
      toast.done(t("actions.retrying"));
      watch.refresh();
      setAsked(false);
    },
    onError: () => setAsked(true),
  });
  if (!canRetry(execution.status)) return null;
  const tooOld = retry.error instanceof ApiError && retry.error.trouble.field === "even_if_old";
  return (
    <>
      <Button tone="primary" small={small} disabled={retry.isPending} onClick={() => retry.mutate(false)}>
        <RotateCw size={14} aria-hidden />
        {t("actions.retry")}
      </Button>
      <Dialog
        open={asked}
        onClose={() => setAsked(false)}
        title={t("actions.retry")}
        description={t("actions.retryLead")}
      >
        <Failure error={retry.error} />
        <div className="flex flex-wrap justify-end gap-2">
          {tooOld && (
            <Button onClick={() => retry.mutate(true)} disabled={retry.isPending} className="whitespace-normal">
              {t("actions.evenIfOld")}
            </Button>
          )}
          <Button tone="primary" onClick={() => setAsked(false)}>
            {t("app:close")}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
