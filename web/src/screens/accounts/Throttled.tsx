import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { Button } from "@/ui/Button";
import { Card } from "@/ui/Page";
import { toast } from "@/ui/toast";
import { type Account, useResume, useWorkflowNames } from "./queries";
import { ReasonDialog } from "./ReasonDialog";

/** Workflows that the risk gate lets open nothing until a person says so. */
export function Throttled({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const [asked, setAsked] = useState<Schemas["Throttled"] | null>(null);
  const names = useWorkflowNames();
  const nameOf = (id: string) => names.get(id) ?? id;
  if (!account.throttled?.length) return null;
  return (
    <Card title={t("throttled.title")} className="border-warn">
      <p className="mb-3 text-soft">{t("throttled.lead")}</p>
      <ul className="flex flex-col gap-2">
        {account.throttled.map((each) => (
          <li key={each.workflow_id} className="flex flex-wrap items-center justify-between gap-2">
            <span className="min-w-0">
              <span className="font-medium">{nameOf(each.workflow_id)}</span>{" "}
              <span className="text-soft">{each.message}</span>
            </span>
            <Button small onClick={() => setAsked(each)}>
              {t("throttled.clear")}
            </Button>
          </li>
        ))}
      </ul>
      {asked && (
        <Clear
          account={account}
          workflow={asked.workflow_id}
          name={nameOf(asked.workflow_id)}
          onClose={() => setAsked(null)}
        />
      )}
    </Card>
  );
}

function Clear({
  account,
  workflow,
  name,
  onClose,
}: {
  account: Account;
  workflow: string;
  name: string;
  onClose: () => void;
}) {
  const { t } = useTranslation("accounts");
  const resume = useResume(account.name);
  const done = () => {
    toast.done(t("throttled.done", { name }));
    onClose();
  };
  return (
    <ReasonDialog
      title={t("throttled.clearTitle", { name })}
      description={t("throttled.lead")}
      confirm={t("throttled.clear")}
      pending={resume.isPending}
      error={resume.error}
      onClose={onClose}
      onConfirm={(reason) => resume.mutate({ reason, workflow_id: workflow }, { onSuccess: done })}
    />
  );
}
