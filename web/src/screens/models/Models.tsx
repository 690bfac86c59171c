import { useQuery } from "@tanstack/react-query";
import { BrainCircuit, Upload } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { titleOf } from "./figures";
import { ModelView } from "./ModelView";
import { type Model, modelsQuery } from "./queries";
import { TrainDialog } from "./TrainDialog";
import { Trainings } from "./Trainings";
import { UploadDialog } from "./UploadDialog";
import { VerdictBadge } from "./Verdict";

export default function Models() {
  const { t } = useTranslation("models");
  const { data, error } = useQuery(modelsQuery());
  const [asked, setAsked] = useState("");
  const [open, setOpen] = useState<"train" | "upload" | null>(null);
  const close = () => setOpen(null);
  const models = data?.items ?? [];
  const chosen = models.find((model) => model.id === asked) ?? models[0];
  const ways = (
    <div className="flex flex-wrap gap-2">
      <Button onClick={() => setOpen("upload")}>
        <Upload size={16} aria-hidden />
        {t("upload.open")}
      </Button>
      <Button tone="primary" onClick={() => setOpen("train")}>
        <BrainCircuit size={16} aria-hidden />
        {t("train.open")}
      </Button>
    </div>
  );
  return (
    <Page title={t("title")} lead={t("lead")} actions={models.length > 0 && ways}>
      <Failure error={error} />
      <Trainings onModel={setAsked} />
      {data && !models.length && (
        <Empty title={t("empty.title")} action={ways}>
          {t("empty.lead")}
        </Empty>
      )}
      {chosen && (
        <div className="grid items-start gap-4 lg:grid-cols-[18rem_minmax(0,1fr)]">
          <List models={models} chosen={chosen.id} onChoose={setAsked} />
          <ModelView key={chosen.id} id={chosen.id} />
        </div>
      )}
      <TrainDialog open={open === "train"} onClose={close} like={chosen} />
      <UploadDialog open={open === "upload"} onClose={close} onModel={setAsked} />
    </Page>
  );
}

function List({ models, chosen, onChoose }: { models: Model[]; chosen: string; onChoose: (id: string) => void }) {
  const { t } = useTranslation("models");
  return (
    <nav aria-label={t("list")} className="flex flex-col gap-2">
      {models.map((model) => (
        <button
          key={model.id}
          type="button"
          aria-current={model.id === chosen ? "true" : undefined}
          onClick={() => onChoose(model.id)}
          className={cx(
            "flex flex-col gap-1.5 rounded-lg border bg-surface p-3 text-left",
            model.id === chosen ? "border-accent ring-1 ring-accent" : "border-line hover:bg-sunken",
          )}
        >
          <span className="flex items-center justify-between gap-2">
            <span className="truncate font-medium">{titleOf(model)}</span>
            {model.promoted && <Badge tone="accent">{t("promoted")}</Badge>}
          </span>
          <span className="text-xs text-soft">
            {t(`kind.${model.kind}`)} · {t("bars", { count: model.horizon })} ·{" "}
            {t("versions", { count: model.versions })}
          </span>
          <VerdictBadge scores={model.current.scores} />
        </button>
      ))}
    </nav>
  );
}
