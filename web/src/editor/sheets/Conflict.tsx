import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { saver } from "../saving/one";
import { useSaving } from "../saving/state";
import { useEditor } from "../store/store";
import { differences } from "./differences";

/** Two have changed the workflow. Both are kept until somebody chooses; nothing is lost by any choice. */
export function ConflictSheet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("editor");
  const [, go] = useLocation();
  const conflict = useSaving((saving) => saving.conflict);
  const mine = useEditor((state) => state.document);
  const [error, setError] = useState<unknown>(null);
  if (conflict === null) return null;
  const differs = differences(mine, conflict.document);
  const copy = async () => {
    try {
      const made = await saver.copyMine(t("conflict.copyName", { name: mine.name }));
      saver.takeTheirs();
      onClose();
      toast.done(t("conflict.copied", { name: made.name }));
      go(`/workflows/${made.id}`);
    } catch (reason) {
      setError(reason);
    }
  };
  return (
    <Dialog open onClose={onClose} title={t("conflict.title")} description={t(`conflict.${conflict.kind}`)}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5">
        {(["added", "removed", "changed"] as const).map((kind) =>
          differs[kind].length ? (
            <div key={kind} className="contents">
              <dt className="text-soft">{t(`conflict.${kind}`)}</dt>
              <dd>{differs[kind].join(", ")}</dd>
            </div>
          ) : null,
        )}
      </dl>
      <Failure error={error} />
      <div className="flex flex-col gap-2">
        <Button
          tone="primary"
          onClick={() => {
            void saver.keepMine();
            onClose();
          }}
        >
          {t("conflict.mine")}
        </Button>
        <p className="text-xs text-soft">{t(`conflict.mineHint.${conflict.kind}`)}</p>
        <Button
          onClick={() => {
            saver.takeTheirs();
            onClose();
          }}
        >
          {t("conflict.theirs")}
        </Button>
        <p className="text-xs text-soft">{t("conflict.theirsHint")}</p>
        <Button onClick={copy}>{t("conflict.copy")}</Button>
      </div>
    </Dialog>
  );
}
