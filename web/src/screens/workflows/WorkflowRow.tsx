import { FlaskConical, Play } from "lucide-react";
import { Switch } from "radix-ui";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { ago, moment } from "@/ui/format";
import { Profit } from "@/ui/Profit";
import { RunStatus } from "@/ui/RunStatus";
import { run, toggle } from "./actions";
import type { Listed } from "./listing";
import { RowMenu } from "./RowMenu";
import { COLUMNS } from "./WorkflowList";

export function WorkflowRow({ workflow }: { workflow: Listed }) {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const start = async (test: boolean) => {
    setBusy(true);
    const made = await run(workflow.id, test);
    setBusy(false);
    if (made) go(`/executions/${made.id}`);
  };
  return (
    <li
      className={cx(
        COLUMNS,
        "relative py-3 hover:bg-canvas max-lg:flex max-lg:flex-wrap max-lg:gap-x-5 max-lg:gap-y-2",
      )}
    >
      <Name workflow={workflow} />
      <ActiveSwitch workflow={workflow} />
      <Cell label={t("column.run")}>
        <LastRun workflow={workflow} />
      </Cell>
      <Cell label={t("column.profit")} className="lg:text-right">
        <Made workflow={workflow} />
      </Cell>
      <Cell label={t("column.next")}>
        {workflow.next_fire ? (
          <span className="tabular-nums">{moment(workflow.next_fire)}</span>
        ) : (
          <span className="text-soft">{t(workflow.active ? "noFire" : "off")}</span>
        )}
      </Cell>
      <div className="flex items-center justify-end gap-0.5 max-lg:absolute max-lg:top-2 max-lg:right-2">
        <IconButton label={t("test", { name: workflow.name })} disabled={busy} onClick={() => void start(true)}>
          <FlaskConical size={16} aria-hidden />
        </IconButton>
        <IconButton label={t("run", { name: workflow.name })} disabled={busy} onClick={() => void start(false)}>
          <Play size={16} aria-hidden />
        </IconButton>
        <RowMenu workflow={workflow} start={start} />
      </div>
    </li>
  );
}

function Name({ workflow }: { workflow: Listed }) {
  const { t } = useTranslation("workflows");
  return (
    <div className="flex min-w-0 flex-col gap-0.5 max-lg:w-full max-lg:pr-28">
      <Link href={`/workflows/${workflow.id}`} className="truncate font-medium hover:text-accent hover:underline">
        {workflow.name}
      </Link>
      {workflow.description && (
        <p title={workflow.description} className="truncate text-xs text-soft">
          {workflow.description}
        </p>
      )}
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft">
        <span>{workflow.account}</span>
        <span aria-hidden>·</span>
        <span>{t("nodes", { count: workflow.nodes })}</span>
        <span aria-hidden>·</span>
        <span title={moment(workflow.updated_at)}>{t("changed", { when: ago(workflow.updated_at) })}</span>
        {workflow.tags?.map((tag) => (
          <Badge key={tag}>#{tag}</Badge>
        ))}
      </p>
    </div>
  );
}

function ActiveSwitch({ workflow }: { workflow: Listed }) {
  const { t } = useTranslation("workflows");
  const [busy, setBusy] = useState(false);
  return (
    <Switch.Root
      checked={workflow.active}
      disabled={busy}
      aria-label={t("activate", { name: workflow.name })}
      onCheckedChange={() => {
        setBusy(true);
        void toggle(workflow).finally(() => setBusy(false));
      }}
      className="h-6 w-11 shrink-0 rounded-full border border-line-strong bg-sunken p-0.5 data-[state=checked]:border-good data-[state=checked]:bg-good disabled:opacity-50"
    >
      <Switch.Thumb className="block size-4.5 rounded-full bg-line-strong transition-transform data-[state=checked]:translate-x-5 data-[state=checked]:bg-surface" />
    </Switch.Root>
  );
}

function LastRun({ workflow: { last_run: last } }: { workflow: Listed }) {
  const { t } = useTranslation("workflows");
  if (!last) return <span className="text-soft">{t("noRun")}</span>;
  return (
    <Link href={`/executions/${last.id}`} className="inline-flex flex-col items-start gap-0.5 hover:underline">
      <RunStatus status={last.status} />
      <span title={moment(last.started_at)} className="text-xs text-soft">
        {ago(last.started_at)}
      </span>
    </Link>
  );
}

function Made({ workflow: { results } }: { workflow: Listed }) {
  const { t } = useTranslation("workflows");
  if (results.length === 0) return <span className="text-soft">{t("noTrades")}</span>;
  return results.map(({ currency, net, trades }) => (
    <div key={currency}>
      <p>
        <Profit amount={net} currency={currency} className="font-medium tabular-nums" />
      </p>
      <p className="text-xs text-soft">{t("trades", { count: trades })}</p>
    </div>
  ));
}

function Cell({ label, children, className = "" }: { label: string; children: ReactNode; className?: string }) {
  return (
    <div className={className}>
      <p className="text-xs text-soft lg:sr-only">{label}</p>
      {children}
    </div>
  );
}
