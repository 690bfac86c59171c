// Loaded when it is first opened.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { accountsQuery } from "@/api/queries";
import { Dialog } from "@/ui/Dialog";
import { useProblems } from "../running/validation";
import { edit, useEditor } from "../store/store";

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

/** What holds for the whole workflow. Each change is one step of undo, as on the canvas. */
export default function Settings({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("editor");
  const { description = "", settings } = useEditor((state) => state.document);
  const { data: accounts } = useQuery(accountsQuery());
  const set = (name: string, value: unknown) =>
    edit((document) => ({ ...document, settings: { ...document.settings, [name]: value } }), `settings ${name}`);
  const text = (name: string, otherwise: string) => String(settings[name] ?? otherwise);
  const whole = (name: string) => (value: string) => set(name, value === "" ? undefined : Number(value));
  return (
    <Dialog open onClose={onClose} title={t("settings.title")}>
      <Field label={t("settings.description")} name="description">
        {(id) => (
          <textarea
            id={id}
            rows={3}
            maxLength={2_000}
            className="field h-auto"
            value={description}
            onChange={(event) => edit((document) => ({ ...document, description: event.target.value }), "description")}
          />
        )}
      </Field>
      <Field label={t("settings.account")} name="settings.broker_account">
        {(id) => (
          <select
            id={id}
            className="field"
            value={text("broker_account", "paper")}
            onChange={(event) => set("broker_account", event.target.value)}
          >
            {[...new Set([text("broker_account", "paper"), ...(accounts?.items ?? []).map(({ name }) => name)])].map(
              (name) => (
                <option key={name}>{name}</option>
              ),
            )}
          </select>
        )}
      </Field>
      <Field label={t("settings.zone")} name="settings.time_zone">
        {(id) => (
          <select
            id={id}
            className="field"
            value={text("time_zone", "UTC")}
            onChange={(event) => set("time_zone", event.target.value)}
          >
            {ZONES.map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </select>
        )}
      </Field>
      <Field label={t("settings.timeout")} name="settings.timeout_s">
        {(id) => <Whole id={id} value={settings.timeout_s ?? 60} onChange={whole("timeout_s")} />}
      </Field>
      <Field label={t("settings.expectEvery")} name="settings.expect_run_every_s">
        {(id) => <Whole id={id} value={settings.expect_run_every_s} onChange={whole("expect_run_every_s")} />}
      </Field>
      <Field label={t("settings.errorWorkflow")} name="settings.error_workflow">
        {(id) => (
          <input
            id={id}
            className="field"
            value={text("error_workflow", "")}
            onChange={(event) => set("error_workflow", event.target.value || undefined)}
          />
        )}
      </Field>
    </Dialog>
  );
}

function Whole({ id, value, onChange }: { id: string; value: unknown; onChange: (text: string) => void }) {
  return (
    <input
      id={id}
      type="number"
      min={1}
      step={1}
      className="field"
      value={typeof value === "number" ? value : ""}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** A labelled field with what the server says of it. */
function Field({ label, name, children }: { label: string; name: string; children: (id: string) => ReactNode }) {
  const id = useId();
  const problem = useProblems((state) => state.problems.find((each) => !each.node && each.field === name));
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children(id)}
      {problem && (
        <p role="alert" className="text-xs text-bad">
          {problem.message} {problem.hint}
        </p>
      )}
    </div>
  );
}
