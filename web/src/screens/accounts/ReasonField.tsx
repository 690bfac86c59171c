import { useTranslation } from "react-i18next";
import { TextArea } from "@/ui/Field";

/** Why a person does it: asked for with everything that stops an account or lets it do more. */
export function ReasonField({
  label,
  reason,
  tried,
  onReason,
}: {
  label?: string;
  reason: string;
  /** Whether it was sent once already: only then is a missing reason told. */
  tried: boolean;
  onReason: (reason: string) => void;
}) {
  const { t } = useTranslation("accounts");
  return (
    <TextArea
      label={label ?? t("kill.reason")}
      help={t("kill.reasonHelp")}
      error={tried && reason.trim() === "" ? t("kill.reasonMissing") : null}
      maxLength={500}
      value={reason}
      onChange={(event) => onReason(event.target.value)}
    />
  );
}
