import { useTranslation } from "react-i18next";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { type Account, useResume } from "./queries";
import { ReasonDialog } from "./ReasonDialog";

/** A person's word that an account may trade again. */
export function ResumeDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation("accounts");
  const resume = useResume(account.name);
  const done = () => {
    toast.done(t("kill.resumeDone", { name: account.name }));
    onClose();
  };
  return (
    <ReasonDialog
      title={t("kill.resumeTitle", { name: account.name })}
      description={t("kill.resumeMeans")}
      confirm={t("kill.resume")}
      pending={resume.isPending}
      error={resume.error}
      onClose={onClose}
      onConfirm={(reason) => resume.mutate({ reason }, { onSuccess: done })}
    >
      {account.state_reason && (
        <Notice>{t("kill.resumeWas", { by: account.state_by, reason: account.state_reason })}</Notice>
      )}
    </ReasonDialog>
  );
}
