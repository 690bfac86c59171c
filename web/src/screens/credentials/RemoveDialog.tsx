import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure, Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { type Credential, credentialQuery, useRemove } from "./queries";

/** Deleting one that workflows name takes a word of its own; the server refuses it without. */
export function RemoveDialog({ credential, onClose }: { credential: Credential; onClose: () => void }) {
  const { t } = useTranslation("credentials");
  const { data } = useQuery(credentialQuery(credential.id));
  const [evenIfUsed, setEvenIfUsed] = useState(false);
  const remove = useRemove(credential.id);
  const used = data?.used_by ?? [];
  const done = () => {
    toast.done(t("remove.done", { name: credential.name }));
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t("remove.title", { name: credential.name })} description={t("remove.lead")}>
      {used.length > 0 && (
        <Notice tone="warn">
          <p>{t("remove.used")}</p>
          <ul className="list-disc pl-5">
            {used.map((each) => (
              <li key={each.workflow_id}>{`${each.workflow_name}: ${each.nodes.join(", ")}`}</li>
            ))}
          </ul>
          <label className="mt-2 flex items-center gap-2 font-medium">
            <input type="checkbox" checked={evenIfUsed} onChange={(event) => setEvenIfUsed(event.target.checked)} />
            {t("remove.evenIfUsed")}
          </label>
        </Notice>
      )}
      <Failure error={remove.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("app:cancel")}</Button>
        <Button
          tone="danger"
          disabled={remove.isPending || !data || (used.length > 0 && !evenIfUsed)}
          onClick={() => remove.mutate(evenIfUsed, { onSuccess: done })}
        >
          {t("delete")}
        </Button>
      </div>
    </Dialog>
  );
}
