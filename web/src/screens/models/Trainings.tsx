import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { Button } from "@/ui/Button";
import { Failure, Notice } from "@/ui/Notice";
import { short } from "./figures";
import { type Training, trainingsQuery } from "./queries";

/** The latest training: how far it is, and how it ended, until it is put away. */
export function Trainings({ onModel }: { onModel: (id: string) => void }) {
  const queries = useQueryClient();
  const { data } = useQuery(trainingsQuery());
  const [away, setAway] = useState("");
  const latest = data?.items[0];
  const ended = latest?.state === "done" ? latest.id : "";
  useEffect(() => {
    if (ended) void queries.invalidateQueries({ queryKey: ["models"] });
  }, [ended, queries]);
  if (!latest || latest.id === away) return null;
  return <Standing training={latest} onModel={onModel} onAway={() => setAway(latest.id)} />;
}

function Standing({
  training,
  onModel,
  onAway,
}: {
  training: Training;
  onModel: (id: string) => void;
  onAway: () => void;
}) {
  const { t } = useTranslation("models");
  const { symbol, timeframe, kind } = training.wanted;
  const what = { symbol, timeframe, kind: t(`kind.${kind}`) };
  const away = (
    <Button small onClick={onAway}>
      {t("train.away")}
    </Button>
  );
  if (training.state === "failed")
    return <Failure error={new ApiError(422, training.error as ApiError["trouble"])} action={away} />;
  if (training.state === "done") {
    const { model } = training;
    const show = model && (
      <span className="flex gap-2">
        <Button small onClick={() => onModel(model)}>
          {t("train.show")}
        </Button>
        {away}
      </span>
    );
    return (
      <Notice tone="good" action={show}>
        {t(training.kept ? "train.done" : "train.same", { ...what, version: short(training.version ?? "") })}
      </Notice>
    );
  }
  return (
    <Notice tone="accent">
      <p id="training">{t("train.running", what)}</p>
      <progress
        aria-labelledby="training"
        value={training.done}
        max={training.total}
        className="mt-1 h-2 w-full accent-accent"
      />
    </Notice>
  );
}
