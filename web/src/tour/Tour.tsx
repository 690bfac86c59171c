import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { templatesQuery } from "@/screens/templates/queries";
import { createWorkflow, run } from "@/screens/workflows/actions";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { type Tour as TourState, useGuide } from "./guide";
import { Panel } from "./Panel";
import { Spotlight } from "./Spotlight";
import { useStep } from "./use-step";
import { Watch } from "./Watch";

/** Those need no more than the free tier, and trade what the sample data has. */
const FIRST = ["rsi_dip_buyer", "ma_crossover", "bollinger_mean_reversion"];

export default function Tour({ tour }: { tour: TourState }) {
  if (tour.step === "choose") return <Choose />;
  if (tour.step === "watch" && tour.execution)
    return <Watch execution={tour.execution} start={<RunAgain tour={tour} />} />;
  return <InEditor tour={tour} />;
}

function Choose() {
  const { t } = useTranslation("tour");
  const step = useStep();
  const [, go] = useLocation();
  const { go: advance, leave } = useGuide();
  const { data, error } = useQuery(templatesQuery());
  const [chosen, setChosen] = useState(FIRST[0] ?? "");
  const [name, setName] = useState(t("choose.mine"));
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const offered = FIRST.flatMap((id) => data?.items.find((template) => template.id === id) ?? []);
  const create = async (event: FormEvent) => {
    event.preventDefault();
    const template = offered.find(({ id }) => id === chosen);
    if (!template) return;
    setBusy(true);
    try {
      const made = await createWorkflow({ ...template.document, name: name.trim() });
      advance({ step: "look", template: chosen, workflow: made.id });
      go(`/workflows/${made.id}`);
    } catch (problem) {
      setFailure(problem);
      setBusy(false);
    }
  };
  return (
    <Panel label={t("label")} kicker={step("choose")} title={t("choose.title")} close={leave} closeLabel={t("leave")}>
      <form onSubmit={(event) => void create(event)} className="flex flex-col gap-3">
        <p className="text-soft">{t("choose.lead")}</p>
        <fieldset className="flex flex-col gap-2">
          <legend className="sr-only">{t("choose.title")}</legend>
          {offered.map((template) => (
            <label
              key={template.id}
              className="flex cursor-pointer items-start gap-2 rounded-lg border border-line p-2.5 has-checked:border-accent has-checked:bg-accent-soft"
            >
              <input
                type="radio"
                name="first"
                checked={chosen === template.id}
                onChange={() => setChosen(template.id)}
                className="mt-1 accent-accent"
              />
              <span>
                <span className="font-medium">{template.name}</span>
                <span className="line-clamp-2 text-xs text-soft">{template.summary}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <TextField
          label={t("choose.name")}
          required
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Failure error={error ?? failure} />
        <Button type="submit" tone="primary" disabled={busy || offered.length === 0 || name.trim() === ""}>
          {t("choose.create")}
        </Button>
      </form>
    </Panel>
  );
}

function InEditor({ tour }: { tour: TourState }) {
  const { t } = useTranslation("tour");
  const step = useStep();
  const { go: advance, leave } = useGuide();
  const { data } = useQuery(templatesQuery());
  const at = tour.step === "watch" ? "run" : tour.step;
  const hint = data?.items.find(({ id }) => id === tour.template)?.guide[1];
  const next = at === "look" ? "change" : "run";
  return (
    <>
      {at === "look" && <Spotlight selector=".react-flow" />}
      <Panel
        label={t("label")}
        kicker={step(at)}
        title={t(`${at}.title`)}
        close={leave}
        closeLabel={t("leave")}
        actions={
          at === "run" ? (
            <Start tour={tour} word={t("run.start")} />
          ) : (
            <Button tone="primary" onClick={() => advance({ step: next })}>
              {t("next")}
            </Button>
          )
        }
      >
        <p>{t(`${at}.lead`)}</p>
        {at === "look" && <p className="text-soft">{t("look.open")}</p>}
        {at === "change" && hint && (
          <p className="rounded-lg bg-sunken p-3">
            <span className="font-medium">{hint.title}.</span> {hint.text}
          </p>
        )}
        {at === "change" && <p className="text-soft">{t("change.saved")}</p>}
      </Panel>
    </>
  );
}

function Start({ tour, word }: { tour: TourState; word: string }) {
  const [, go] = useLocation();
  const advance = useGuide((state) => state.go);
  const [busy, setBusy] = useState(false);
  const start = async () => {
    if (!tour.workflow) return;
    setBusy(true);
    const made = await run(tour.workflow, true);
    setBusy(false);
    if (!made) return;
    advance({ step: "watch", execution: made.id });
    go(`/executions/${made.id}`);
  };
  return (
    <Button tone="primary" disabled={busy} onClick={() => void start()}>
      {word}
    </Button>
  );
}

function RunAgain({ tour }: { tour: TourState }) {
  const { t } = useTranslation("tour");
  return (
    <>
      {tour.workflow && (
        <Link href={`/workflows/${tour.workflow}`} className="inline-flex h-9 items-center text-accent hover:underline">
          {t("workflows:action.open")}
        </Link>
      )}
      <Start tour={tour} word={t("watch.again")} />
    </>
  );
}
