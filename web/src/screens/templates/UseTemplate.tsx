import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { createWorkflow, saveTags } from "@/screens/workflows/actions";
import { useGuide } from "@/tour/guide";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { toast } from "@/ui/toast";
import type { Template } from "./queries";

/** Makes a workflow of one's own; the template's guide goes along into the editor. */
export function UseTemplate({ template }: { template: Template }) {
  const { t } = useTranslation("templates");
  const [, go] = useLocation();
  const [name, setName] = useState(template.name);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const create = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const made = await createWorkflow({ ...template.document, name: name.trim() });
      if (template.tags.length > 0) await saveTags(made.id, template.tags);
      useGuide.getState().begin({ template: template.id, workflow: made.id });
      toast.done(t("made", { name: made.name }));
      go(`/workflows/${made.id}`);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Card title={t("use")} className="border-accent">
      <form onSubmit={(event) => void create(event)} className="flex flex-col gap-2">
        <TextField
          label={t("name")}
          help={t("nameHelp")}
          required
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Failure error={error} />
        <Button type="submit" tone="primary" disabled={busy || name.trim() === ""}>
          {t("create")}
        </Button>
      </form>
    </Card>
  );
}
