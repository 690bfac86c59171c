import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, type Schemas } from "@/api/client";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { Failure, Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import {
  changeOf,
  type Draft,
  draftOf,
  fieldOf,
  GROUPS,
  type LimitField,
  looserIn,
  notNumbers,
  touched,
  wordOf,
} from "./limits";
import { type Account, limitsQuery, useChangeLimits } from "./queries";
import { ReasonField } from "./ReasonField";

export function LimitsForm({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const { data, error } = useQuery(limitsQuery(account.name));
  if (error && !data) return <Failure error={error} />;
  if (!data) return <p className="text-soft">{t("app:loading")}</p>;
  return <Form account={account} limits={data.limits} />;
}

/** Holds only what was touched: a limit somebody else changed meanwhile shows its new value. */
function Form({ account, limits }: { account: Account; limits: Schemas["RiskLimits"] }) {
  const { t } = useTranslation("accounts");
  const [edits, setEdits] = useState<Draft>({});
  const [tried, setTried] = useState(false);
  const fields = useRef<HTMLDivElement>(null);
  const change = useChangeLimits(account.name);
  const was = draftOf(limits);
  const draft = { ...was, ...edits };
  const wrong = notNumbers(draft);
  const refused = change.error instanceof ApiError ? change.error.trouble : null;
  const refusedField = fieldOf(refused?.field);

  function send(reason: string, clear: boolean) {
    setTried(true);
    if (wrong.length > 0) return;
    change.mutate(
      { limits: changeOf(limits, draft), reason, clear },
      {
        onSuccess: () => {
          setEdits({});
          setTried(false);
          toast.done(t("limits.done"));
        },
        onError: (error) => show(error instanceof ApiError ? fieldOf(error.trouble.field) : undefined),
      },
    );
  }

  const errorOf = (name: string) =>
    wrong.includes(name) && (tried || name in edits)
      ? t("limits.notNumber")
      : refusedField === name
        ? refused?.message
        : null;

  /** What was refused may stand far above the button, or under the word's own box. */
  function show(name: string | undefined) {
    const field = fields.current?.querySelector<HTMLInputElement>(`input[name="${name}"]`);
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: "center" });
  }

  const own = Object.keys(limits.workflows ?? {});
  return (
    <div ref={fields} className="flex flex-col gap-4">
      <p className="text-soft">{t("limits.lead")}</p>
      {GROUPS.map(({ group, fields }) => (
        <fieldset key={group} className="rounded-lg border border-line bg-surface p-4">
          <legend className="px-1 font-semibold">{t(`limits.${group}`)}</legend>
          {group === "workflow" && <p className="mb-3 text-soft">{t("limits.workflowLead")}</p>}
          <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
            {fields.map((field) => (
              <Limit
                key={field.name}
                field={field}
                currency={account.currency ?? ""}
                was={was[field.name] ?? ""}
                value={draft[field.name] ?? ""}
                error={errorOf(field.name)}
                onChange={(value) => setEdits({ ...edits, [field.name]: value })}
              />
            ))}
          </div>
        </fieldset>
      ))}
      {own.length > 0 && <Notice>{t("limits.own", { names: own.join(", ") })}</Notice>}
      {touched(limits, draft).length > 0 && (
        <Word
          looser={looserIn(limits, draft)}
          pending={change.isPending}
          error={refusedField ? null : change.error}
          onSend={send}
          onUndo={() => {
            setEdits({});
            change.reset();
          }}
        />
      )}
    </div>
  );
}

function Limit({
  field,
  currency,
  was,
  value,
  error,
  onChange,
}: {
  field: LimitField;
  currency: string;
  was: string;
  value: string;
  error: string | null | undefined;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation("accounts");
  const word = wordOf(field.name);
  const help = t(`limits.help.${word}`);
  return (
    <TextField
      label={t(`limits.field.${word}`)}
      unit={field.unit === "list" ? null : t(`limits.unit.${field.unit}`, { currency })}
      help={value === was ? help : `${t("limits.was", { value: was })} · ${help}`}
      error={error}
      inputMode={field.unit === "list" ? "text" : "decimal"}
      name={field.name}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** Why, and for what allows more than before a word of its own; it stays in sight while there is something to send. */
function Word({
  looser,
  pending,
  error,
  onSend,
  onUndo,
}: {
  looser: string[];
  pending: boolean;
  error: unknown;
  onSend: (reason: string, clear: boolean) => void;
  onUndo: () => void;
}) {
  const { t } = useTranslation("accounts");
  const [reason, setReason] = useState("");
  const [clear, setClear] = useState(false);
  const [tried, setTried] = useState(false);
  const loosens = looser.length > 0;

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (reason.trim() !== "") onSend(reason.trim(), loosens && clear);
  }

  const names = looser.map((each) => t(`limits.field.${wordOf(each)}`)).join(", ");
  return (
    <form
      onSubmit={submit}
      className="sticky bottom-0 z-10 flex flex-col gap-3 rounded-lg border border-accent bg-raised p-4 shadow-raised"
    >
      {loosens ? (
        <Notice tone="warn">
          <p>{t("limits.looser", { names })}</p>
          <label className="mt-1 flex items-center gap-2 font-medium">
            <input type="checkbox" checked={clear} onChange={(event) => setClear(event.target.checked)} />
            {t("limits.looserWord")}
          </label>
        </Notice>
      ) : (
        <p className="text-good">{t("limits.tighter")}</p>
      )}
      <ReasonField label={t("limits.reason")} reason={reason} tried={tried} onReason={setReason} />
      <Failure error={error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onUndo}>{t("limits.undo")}</Button>
        <Button type="submit" tone="primary" disabled={pending}>
          {t("limits.change")}
        </Button>
      </div>
    </form>
  );
}
