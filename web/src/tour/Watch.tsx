import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { hasEnded } from "@/live/run-watch";
import { executionQuery } from "@/screens/execution/queries";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Notice";
import { useGuide } from "./guide";
import { outcomeOf } from "./outcome";
import { Panel } from "./Panel";
import { useStep } from "./use-step";

/** The end of the tour: how the person's own strategy ran. */
export function Watch({ execution, start }: { execution: string; start: ReactNode }) {
  const { t } = useTranslation("tour");
  const step = useStep();
  const [, go] = useLocation();
  const leave = useGuide((state) => state.leave);
  const { data, error } = useQuery({
    ...executionQuery(execution),
    refetchInterval: (query) => (hasEnded(query.state.data?.status) ? false : 1_000),
  });
  const outcome = data ? outcomeOf(data) : ({ kind: "running" } as const);
  const finish = () => {
    leave();
    go("/workflows");
  };
  const Icon = outcome.kind === "running" ? LoaderCircle : outcome.kind === "failed" ? CircleX : CircleCheck;
  const look =
    outcome.kind === "running" ? "animate-spin text-accent" : outcome.kind === "failed" ? "text-bad" : "text-good";
  return (
    <Panel
      label={t("label")}
      kicker={step("watch")}
      title={t(`watch.${outcome.kind}`)}
      close={leave}
      closeLabel={t("leave")}
      actions={
        outcome.kind === "failed" ? (
          start
        ) : (
          <Button tone="primary" disabled={outcome.kind === "running"} onClick={finish}>
            {t("watch.finish")}
          </Button>
        )
      }
    >
      <p className="flex items-start gap-2">
        <Icon size={18} aria-hidden className={`mt-0.5 shrink-0 ${look}`} />
        <span>{t(`watch.${outcome.kind}Lead`, outcome)}</span>
      </p>
      <Failure error={error} />
      {outcome.kind !== "running" && outcome.kind !== "failed" && <After />}
    </Panel>
  );
}

function After() {
  const { t } = useTranslation("tour");
  return (
    <div>
      <p className="font-medium">{t("after.title")}</p>
      <ul className="flex list-disc flex-col gap-1 pl-5 text-accent">
        {(
          [
            ["on", "/workflows"],
            ["replay", "/accounts"],
            ["tutorials", "/help"],
          ] as const
        ).map(([word, path]) => (
          <li key={word}>
            <Link href={path} className="hover:underline">
              {t(`after.${word}`)}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
