import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { workflowsChanged } from "@/screens/workflows/actions";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure, Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { restore, type Version } from "./queries";

export function Restore(props: { workflow: Schemas["WorkflowDetail"]; version: Version; newest: Version | undefined }) {
  const { workflow, version, newest } = props;
  const { t } = useTranslation("versions");
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { number } = version;
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await restore(workflow.id, version.version, newest?.version ?? workflow.version);
      await workflowsChanged();
      toast.done(t("restoring.done", { number }));
      setOpen(false);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  if (version.newest) return null;
  return (
    <>
      <Button tone="primary" onClick={() => setOpen(true)}>
        {t("restore")}
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={t("restoring.title", { number })}
        description={t("restoring.lead")}
      >
        {workflow.active && <Notice tone="warn">{t("restoring.active")}</Notice>}
        <Failure error={error} />
        <div className="flex justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{t("app:cancel")}</Button>
          <Button tone="primary" disabled={busy} onClick={() => void go()}>
            {t("restoring.yes", { number })}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
