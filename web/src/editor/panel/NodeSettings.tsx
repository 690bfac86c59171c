import { useTranslation } from "react-i18next";
import { SchemaForm } from "@/forms/SchemaForm";
import type { JsonSchema } from "@/forms/schema";
import type { FieldProblem } from "@/forms/surroundings";
import { editNode } from "../store/store";
import type { NodeDoc } from "../store/types";
import { useSchema } from "./usePanel";

/** What every node has besides its own settings: what happens when it fails, how often it is tried, notes. */
export function NodeSettings({ node, problems }: { node: NodeDoc; problems: FieldProblem[] }) {
  const { t } = useTranslation("panel");
  const { data: type } = useSchema(node.type);
  const words = (name: string) => ({ title: t(`settings.${name}`), description: t(`settings.${name}Help`) });
  const retries = (type?.errors ?? []).filter((error) => error.retryable).map((error) => error.name);
  const schema: JsonSchema = {
    order: ["on_error", "disabled", "notes", "timeout_s", "join"],
    properties: {
      on_error: { ...words("on_error"), enum: ["stop", "continue", "route"], default: "stop", static: true },
      timeout_s: {
        ...words("timeout_s"),
        type: "integer",
        widget: "duration",
        default: type?.timeout_s ?? null,
        minimum: 1,
        maximum: 900,
        static: true,
        advanced: true,
      },
      join: {
        ...words("join"),
        anyOf: [{ enum: ["any", "all", "settled"] }, { type: "null" }],
        default: null,
        static: true,
        advanced: true,
      },
      disabled: { ...words("disabled"), type: "boolean", default: false, static: true },
      notes: { ...words("notes"), type: "string", maxLength: 10_000, static: true },
    },
  };
  const retry: JsonSchema = {
    order: ["max_attempts", "interval_s", "backoff_rate", "max_interval_s", "jitter", "errors"],
    properties: {
      max_attempts: { ...words("max_attempts"), type: "integer", default: 2, minimum: 0, maximum: 10, static: true },
      interval_s: {
        ...words("interval_s"),
        type: "integer",
        widget: "duration",
        default: 1,
        static: true,
        advanced: true,
      },
      backoff_rate: { ...words("backoff_rate"), type: "number", default: 2, static: true, advanced: true },
      max_interval_s: {
        ...words("max_interval_s"),
        type: "integer",
        widget: "duration",
        default: 300,
        static: true,
        advanced: true,
      },
      jitter: { ...words("jitter"), type: "boolean", default: true, static: true, advanced: true },
      errors: {
        ...words("errors"),
        type: "array",
        items: { type: "string", enum: retries },
        static: true,
        advanced: true,
      },
    },
  };
  const { id, type: _type, position: _position, config: _config, ...rest } = node;
  const change = (changed: Record<string, unknown>, field: string) => {
    // A field that was emptied goes back to its default: a key that is gone would stay as it was.
    const emptied = Object.fromEntries(
      Object.keys(rest)
        .filter((key) => !(key in changed))
        .map((key) => [key, undefined]),
    );
    editNode(id, { ...emptied, ...changed }, `settings ${field}`);
  };
  return (
    <div className="flex flex-col gap-5">
      <SchemaForm schema={schema} value={rest} onChange={change} surroundings={{ problems, prefix: "settings" }} />
      {type?.kind !== "trigger" && (
        <fieldset className="rounded-lg border border-line p-4">
          <legend className="px-1 font-medium">{t("settings.retry")}</legend>
          <p className="mb-3 text-xs text-soft">
            {retries.length > 0 ? t("settings.retryLead", { errors: retries.join(", ") }) : t("settings.retryNone")}
          </p>
          <SchemaForm
            schema={retry}
            without={retries.length > 0 ? [] : ["errors"]}
            value={node.retry ?? {}}
            onChange={(changed, field) => editNode(id, { retry: changed }, `retry ${field}`)}
            surroundings={{
              problems: problems.map((each) => ({ ...each, field: each.field.replace(/^retry\./, "") })),
              prefix: "retry",
            }}
          />
        </fieldset>
      )}
    </div>
  );
}
