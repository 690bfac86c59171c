import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { nodeTypesQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextArea } from "@/ui/Field";
import { parsed } from "../details/values";
import { about, type CommandMutation, type Paused } from "./session";

/** Puts an output in place of running the node. */
export function SkipDialog({
  paused,
  command,
  onClose,
}: {
  paused: Paused;
  command: CommandMutation;
  onClose: () => void;
}) {
  const { t } = useTranslation("runs");
  const { data: types } = useQuery(nodeTypesQuery());
  const ports =
    types?.items.find((type) => type.type === paused.type)?.ports.filter(({ name }) => name !== "error") ?? [];
  const [text, setText] = useState("{}");
  const [port, setPort] = useState<string | null>(null);
  const output = parsed(text);
  return (
    <Dialog open onClose={onClose} title={`${t("debug.skip")} ${paused.name}`} description={t("debug.skipLead")}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (output === undefined) return;
          command.mutate(
            { action: "skip", ...about(paused), output: output.value, port: port ?? ports[0]?.name ?? "main" },
            { onSuccess: onClose },
          );
        }}
      >
        <TextArea
          label={t("debug.skipOutput")}
          rows={5}
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
          error={output === undefined ? t("debug.notJson") : null}
        />
        {ports.length > 1 && (
          <SelectField
            label={t("debug.skipPort")}
            value={port ?? ports[0]?.name}
            onChange={(event) => setPort(event.target.value)}
          >
            {ports.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </SelectField>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("app:cancel")}</Button>
          <Button type="submit" tone="primary" disabled={output === undefined || command.isPending}>
            {t("debug.skip")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
