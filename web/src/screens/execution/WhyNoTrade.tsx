import { useQuery } from "@tanstack/react-query";
import { Check, CircleOff, CircleX, GitFork, type LucideIcon, Repeat, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import type { Execution } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { cx } from "@/ui/cx";
import { Empty } from "@/ui/Empty";
import { Failure, Notice } from "@/ui/Notice";
import { short } from "./details/values";
import { decisionsQuery } from "./queries";
import { useNames } from "./use-names";

type Stop = Schemas["Stop"];
type Clause = Schemas["Clause"];
const ICONS: Record<Stop["kind"], LucideIcon> = {
  decided: GitFork,
  empty_loop: Repeat,
  failed: CircleX,
  disabled: CircleOff,
};

/** Which condition kept the run from trading, with the values it saw. */
export function WhyNoTrade({ execution, onSelect }: { execution: Execution; onSelect: (node: string) => void }) {
  const { t } = useTranslation("runs");
  const ended = hasEnded(execution.status);
  const { data, error } = useQuery({
    ...decisionsQuery(execution.id, `${execution.status} ${execution.retries?.length ?? 0}`),
    refetchInterval: ended ? false : 2_000,
  });
  if (error)
    return (
      <div className="p-4">
        <Failure error={error} />
      </div>
    );
  if (!data) return null;
  return (
    <div className="flex flex-col gap-3 p-4">
      {!ended && <Notice tone="accent">{t("why.running")}</Notice>}
      {!data.can_trade && <Empty title={t("why.cannot")} />}
      {data.can_trade && data.idle.length === 0 && <Empty title={t("why.traded")}>{t("why.tradedLead")}</Empty>}
      {ended && data.idle.length > 0 && data.stops.length === 0 && <Empty title={t("why.ended")} />}
      <ol className="flex flex-col gap-3">
        {data.stops.map((stop) => (
          <StopItem key={`${stop.node} ${stop.wanted_port}`} stop={stop} execution={execution.id} onSelect={onSelect} />
        ))}
      </ol>
    </div>
  );
}

function StopItem({ stop, execution, onSelect }: { stop: Stop; execution: string; onSelect: (node: string) => void }) {
  const { t } = useTranslation("runs");
  const names = useNames(execution);
  const Icon = ICONS[stop.kind];
  return (
    <li className="rounded-lg border border-line p-3">
      <p className="flex flex-wrap items-center gap-2">
        <Icon size={17} aria-hidden className={stop.kind === "failed" ? "text-bad" : "text-warn"} />
        <button type="button" className="font-semibold text-accent underline" onClick={() => onSelect(stop.node)}>
          {stop.name}
        </button>
        <span>{t(`why.${stop.kind}`, { port: stop.port, wanted: stop.wanted_port })}</span>
        <span className="text-soft">
          · {t("why.kept", { nodes: stop.kept_from.map((node) => names.get(node) ?? node).join(", ") })}
        </span>
      </p>
      {stop.reason && stop.clauses?.length !== 1 && <p className="mt-1 text-soft">{stop.reason}</p>}
      {stop.error && (
        <p className="mt-1">
          {stop.error.name}: {stop.error.message} {stop.error.hint}
        </p>
      )}
      <ul className="mt-2 flex flex-col gap-1.5">
        {stop.clauses?.map((clause) => (
          <ClauseItem key={`${clause.setting} ${clause.text}`} clause={clause} names={names} />
        ))}
      </ul>
    </li>
  );
}

function ClauseItem({ clause, names }: { clause: Clause; names: ReadonlyMap<string, string> }) {
  const { t } = useTranslation("runs");
  const Icon = clause.holds === false ? X : Check;
  return (
    <li
      className={cx(
        "flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md px-2.5 py-1.5",
        clause.holds === false ? "bg-bad-soft" : clause.holds ? "bg-good-soft" : "bg-sunken",
      )}
    >
      {clause.holds !== null && clause.holds !== undefined && (
        <Icon size={15} aria-hidden className={clause.holds ? "text-good" : "text-bad"} />
      )}
      <code className="font-mono text-xs">{clause.text}</code>
      <span className="text-xs font-medium">
        {clause.error ??
          (clause.holds === true ? t("why.holds") : clause.holds === false ? t("why.holdsNot") : short(clause.value))}
      </span>
      {clause.holds !== null &&
        clause.values?.map((value) => (
          <span
            key={value.name}
            className="rounded bg-surface px-1.5 py-0.5 text-xs tabular-nums"
            title={value.error ?? value.name}
          >
            {spoken(value.name, names)} = <b>{value.error ? t("why.missing") : short(value.value)}</b>
          </span>
        ))}
    </li>
  );
}

/** `nodes.rsi.value` as people see it: the node's name, then the field. */
function spoken(path: string, names: ReadonlyMap<string, string>): string {
  const [root, id, ...fields] = path.split(".");
  if ((root !== "nodes" && root !== "inputs") || id === undefined) return path;
  return [names.get(id) ?? id, ...fields].join(" · ");
}
