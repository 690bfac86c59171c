import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";
import { ReasonField } from "./ReasonField";

/** A person's word that loosens something: what it means, and why. */
export function ReasonDialog({
  title,
  description,
  confirm,
  pending,
  error,
  ready = true,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  description: ReactNode;
  confirm: string;
  pending: boolean;
  error: unknown;
  /** Whether what `children` ask for is given. */
  ready?: boolean;
  onConfirm: (reason: string) => void;
  onClose: () => void;
  children?: ReactNode;
}) {
  const { t } = useTranslation("accounts");
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (reason.trim() !== "" && ready) onConfirm(reason.trim());
  }

  return (
    <Dialog open onClose={onClose} title={title} description={description}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {children}
        <ReasonField reason={reason} tried={tried} onReason={setReason} />
        <Failure error={error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>{t("app:cancel")}</Button>
          <Button type="submit" tone="primary" disabled={pending} className="max-sm:h-12 max-sm:flex-1">
            {confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
