import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { ModeBand } from "./looks";
import { type Account, useResume } from "./queries";
import { ReasonDialog } from "./ReasonDialog";

/** A person's word that an account may trade again. Where its money is real, that is typed in full: the server asks for it. */
export function ResumeDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation("accounts");
  const resume = useResume(account.name);
  const [typed, setTyped] = useState("");
  const wanted = account.acknowledgement ?? null;
  const ready = wanted === null || typed.trim() === wanted;
  const done = () => {
    toast.done(t("kill.resumeDone", { name: account.name }));
    onClose();
  };
  return (
    <ReasonDialog
      title={t(wanted === null ? "kill.resumeTitle" : "kill.armTitle", { name: account.name })}
      description={
        <>
          <ModeBand mode={account.trade_mode} />
          <p>{t("kill.resumeMeans")}</p>
        </>
      }
      confirm={t(wanted === null ? "kill.resume" : "kill.arm")}
      pending={resume.isPending}
      error={resume.error}
      ready={ready}
      onClose={onClose}
      onConfirm={(reason) =>
        resume.mutate({ reason, ...(wanted !== null && { acknowledgement: typed.trim() }) }, { onSuccess: done })
      }
    >
      {account.state_reason && (
        <Notice>{t("kill.resumeWas", { by: account.state_by, reason: account.state_reason })}</Notice>
      )}
      {wanted !== null && (
        <>
          <Notice tone="bad">{t("kill.armWarns")}</Notice>
          <TextField
            label={t("kill.armType", { phrase: wanted })}
            error={typed !== "" && !ready && !wanted.startsWith(typed) ? t("kill.armWrong") : null}
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </>
      )}
    </ReasonDialog>
  );
}
