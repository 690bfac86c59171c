import { useQuery } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { moment, number } from "@/ui/format";
import { Failure, Notice } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { toast } from "@/ui/toast";
import { earlier, short, signed, titleOf } from "./figures";
import { type Detail, modelQuery, useChoose, type Version } from "./queries";
import { WalkForward } from "./WalkForward";

/** One model: which version is in use, how it did, and the versions there are. */
export function ModelView({ id }: { id: string }) {
  const { t } = useTranslation("models");
  const { data: model, error } = useQuery(modelQuery(id));
  const choose = useChoose(id);
  if (!model) return error ? <Failure error={error} /> : <p role="status">{t("loading")}</p>;
  const wish = (wanted: Parameters<typeof choose.mutate>[0], word: string) =>
    choose.mutate(wanted, { onSuccess: () => toast.done(word) });
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Card
        title={`${titleOf(model)} · ${t(`kind.${model.kind}`)} · ${t("bars", { count: model.horizon })}`}
        actions={<Actions model={model} busy={choose.isPending} onWish={wish} />}
      >
        <div className="flex flex-col gap-4">
          <Failure error={choose.error} />
          <InUse model={model} />
          {model.current.scores ? (
            <WalkForward scores={model.current.scores} />
          ) : (
            <Notice tone="neutral">{t("untested")}</Notice>
          )}
        </div>
      </Card>
      <Card title={t("history.title")}>
        <History
          model={model}
          busy={choose.isPending}
          onPromote={(version) => wish({ version }, t("done.promoted", { version: short(version) }))}
        />
      </Card>
    </div>
  );
}

type Wish = (wanted: { version: string | null } | "back", word: string) => void;

function Actions({ model, busy, onWish }: { model: Detail; busy: boolean; onWish: Wish }) {
  const { t } = useTranslation("models");
  const before = earlier(model.history, model.current.version);
  return (
    <div className="flex flex-wrap gap-2">
      {model.promoted && (
        <Button small disabled={busy} onClick={() => onWish({ version: null }, t("done.released"))}>
          {t("release")}
        </Button>
      )}
      <Button
        small
        disabled={busy || !before}
        title={before ? t("rollbackTo", { version: short(before.version) }) : t("noEarlier")}
        onClick={() => before && onWish("back", t("done.rolledBack", { version: short(before.version) }))}
      >
        <Undo2 size={14} aria-hidden />
        {t("rollback")}
      </Button>
    </div>
  );
}

function InUse({ model }: { model: Detail }) {
  const { t } = useTranslation("models");
  const { current, promoted } = model;
  const facts: [string, string][] = [
    [t("fact.version"), short(current.version)],
    [t("fact.trained"), trainedOn(current)],
    [t("fact.bars"), current.bars ? number(current.bars, 0) : "–"],
    [t("fact.features"), String(current.features.length)],
  ];
  return (
    <div className="flex flex-col gap-2">
      <p className="text-soft">{t(promoted ? "inUse.promoted" : "inUse.newest")}</p>
      <dl className="flex flex-wrap gap-x-8 gap-y-2">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-xs text-soft">{name}</dt>
            <dd className="tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** The bars it has seen; of an uploaded one at most their end is known. */
function trainedOn({ trained_from, trained_to }: Version): string {
  if (!trained_to) return "–";
  return trained_from ? `${moment(trained_from)} – ${moment(trained_to)}` : `… – ${moment(trained_to)}`;
}

function History({ model, busy, onPromote }: { model: Detail; busy: boolean; onPromote: (version: string) => void }) {
  const { t } = useTranslation("models");
  const columns: Column<Version>[] = [
    {
      id: "version",
      header: t("fact.version"),
      cell: (version) => (
        <span className="inline-flex items-center gap-2">
          <code>{short(version.version)}</code>
          {version.version === model.current.version && <Badge tone="accent">{t("used")}</Badge>}
          {version.version === model.promoted && <Badge tone="good">{t("promoted")}</Badge>}
        </span>
      ),
    },
    {
      id: "trained",
      header: t("history.trainedTo"),
      cell: (version) => (version.trained_to ? moment(version.trained_to) : "–"),
      sort: (version) => version.trained_to ?? version.added_at,
    },
    {
      id: "skill",
      header: t("score.skill"),
      cell: (version) => (version.scores ? signed(version.scores.skill, 4) : "–"),
      sort: (version) => version.scores?.skill,
      align: "right",
    },
    {
      id: "t",
      header: t("score.t"),
      cell: (version) => (version.scores ? signed(version.scores.t_statistic, 2) : "–"),
      sort: (version) => version.scores?.t_statistic,
      align: "right",
    },
    {
      id: "direction",
      header: t("score.direction"),
      cell: (version) => (version.scores ? number(version.scores.directional_accuracy * 100, 1) : "–"),
      sort: (version) => version.scores?.directional_accuracy,
      align: "right",
    },
    {
      id: "act",
      header: <span className="sr-only">{t("history.act")}</span>,
      align: "right",
      cell: (version) =>
        version.version !== model.promoted && (
          <Button
            small
            disabled={busy}
            aria-label={t("promoteOne", { version: short(version.version) })}
            onClick={() => onPromote(version.version)}
          >
            {t("promote")}
          </Button>
        ),
    },
  ];
  return (
    <DataTable caption={t("history.title")} rows={model.history} columns={columns} rowKey={(row) => row.version} />
  );
}
