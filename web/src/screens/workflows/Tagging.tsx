import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { saveTags } from "./actions";
import { type Summary, typedTags } from "./listing";

export function Tagging({ workflow, onClose }: { workflow: Summary; onClose: () => void }) {
  const { t } = useTranslation("workflows");
  const [text, setText] = useState((workflow.tags ?? []).join(", "));
  const [error, setError] = useState<unknown>(null);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await saveTags(workflow.id, typedTags(text));
      toast.done(t("tagging.saved"));
      onClose();
    } catch (error) {
      setError(error);
    }
  };
  return (
    <Dialog open onClose={onClose} title={t("tagging.title", { name: workflow.name })}>
      <form onSubmit={(event) => void save(event)} className="flex flex-col gap-3">
        <TextField
          label={t("tagging.label")}
          help={t("tagging.help")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Failure error={error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("app:cancel")}</Button>
          <Button type="submit" tone="primary">
            {t("app:save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
