import { Pencil } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { entriesOf, isBranch, parsed, short } from "../details/values";
import { about, type CommandMutation, type Paused } from "./session";

const MOST = 40;

/** Everything the node is about to get, each value to be changed where it stands. */
export function PausedInputs({
  paused,
  command,
  names,
}: {
  paused: Paused;
  command: CommandMutation;
  names: ReadonlyMap<string, string>;
}) {
  const { t } = useTranslation("runs");
  const inputs = Object.entries(paused.inputs).sort((a, b) => Number(isNamed(b[0])) - Number(isNamed(a[0])));
  const edited = Object.keys(paused.edited ?? {}).length > 0;
  // What its expressions name stands first.
  function isNamed(node: string): boolean {
    return paused.config.some(({ written }) => typeof written === "string" && written.includes(`nodes.${node}`));
  }
  const set = (path: string, value: unknown, done: () => void) =>
    command.mutate({ action: "set", ...about(paused), values: { [path]: value } }, { onSuccess: done });
  return (
    <>
      {edited && (
        <Button small onClick={() => command.mutate({ action: "reset", ...about(paused) })}>
          {t("debug.reset")}
        </Button>
      )}
      <section className="flex flex-col gap-1">
        <h3 className="font-medium">{t("debug.settings")}</h3>
        <ul className="rounded-md border border-line p-2 font-mono text-xs">
          {paused.config.map((field) => (
            <Editable
              key={field.field}
              name={field.field}
              path={`config.${field.field}`}
              value={field.error ?? field.value}
              written={typeof field.written === "string" && field.written.startsWith("=") ? field.written : null}
              wrong={Boolean(field.error)}
              edited={`config.${field.field}` in (paused.edited ?? {})}
              onSet={set}
              busy={command.isPending}
            />
          ))}
        </ul>
      </section>
      <section className="flex flex-col gap-2">
        <h3 className="font-medium">{t("debug.sees")}</h3>
        {inputs.length === 0 && <p className="text-soft">{t("debug.nothing")}</p>}
        {inputs.map(([node, { state, output }]) => (
          <div key={node} className="rounded-md border border-line p-2">
            <p className="text-xs font-medium">
              {names.get(node) ?? node}
              {state !== "succeeded" && <span className="text-soft"> · {t(`app:status.${state}`)}</span>}
            </p>
            {isBranch(output) && (
              <ul className="font-mono text-xs">
                {entriesOf(output)
                  .slice(0, MOST)
                  .map(([field, value]) => (
                    <Editable
                      key={field}
                      name={field}
                      path={`nodes.${node}.${field}`}
                      value={value}
                      edited={`nodes.${node}.${field}` in (paused.edited ?? {})}
                      onSet={set}
                      busy={command.isPending}
                    />
                  ))}
              </ul>
            )}
          </div>
        ))}
      </section>
    </>
  );
}

function Editable({
  name,
  path,
  value,
  written = null,
  wrong = false,
  edited,
  busy,
  onSet,
}: {
  name: string;
  path: string;
  value: unknown;
  written?: string | null;
  wrong?: boolean;
  edited: boolean;
  busy: boolean;
  onSet: (path: string, value: unknown, done: () => void) => void;
}) {
  const { t } = useTranslation("runs");
  const [text, setText] = useState<string | null>(null);
  const typed = text === null ? undefined : parsed(text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed) onSet(path, typed.value, () => setText(null));
  };
  return (
    <li className="py-0.5">
      <div className="flex items-center gap-2">
        <span className="shrink-0 text-soft">{name}</span>
        <span
          className={wrong ? "min-w-0 flex-1 break-words text-bad" : "min-w-0 flex-1 truncate"}
          title={short(value)}
        >
          {short(value)}
        </span>
        {edited && <Badge tone="warn">{t("debug.edited")}</Badge>}
        <IconButton
          small
          className="h-5!"
          label={t("debug.edit", { name: path })}
          onClick={() => setText(text === null ? (JSON.stringify(value) ?? "null") : null)}
        >
          <Pencil size={12} aria-hidden />
        </IconButton>
      </div>
      {written && (
        <p className="truncate text-soft" title={written}>
          {t("debug.written", { text: written })}
        </p>
      )}
      {text !== null && (
        <form onSubmit={submit} className="flex items-start gap-2 py-1 font-sans">
          <TextField
            label={t("debug.value")}
            value={text}
            autoFocus
            error={typed ? null : t("debug.notJson")}
            onChange={(event) => setText(event.target.value)}
            className="flex-1"
          />
          <Button type="submit" small tone="primary" disabled={!typed || busy} className="mt-7">
            {t("debug.set")}
          </Button>
        </form>
      )}
    </li>
  );
}
