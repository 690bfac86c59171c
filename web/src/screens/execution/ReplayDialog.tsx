import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { api, type Schemas, told } from "@/api/client";
import type { Execution } from "@/live/run-record";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { Failure, Notice } from "@/ui/Notice";

/** Runs an old execution again: all of it or from a node on, with the old or the current version. */
export function ReplayDialog({
  execution,
  from,
  onClose,
}: {
  execution: Execution;
  from: string | null;
  onClose: () => void;
}) {
  const { t } = useTranslation("runs");
  const [, go] = useLocation();
  const [node, setNode] = useState(from ?? "");
  const [version, setVersion] = useState<Schemas["Replay"]["version"]>("old");
  const [real, setReal] = useState(false);
  const [word, setWord] = useState("");
  const armed = word.trim() === t("actions.armWord");
  const replay = useMutation({
    mutationFn: () =>
      told(
        api.POST("/api/agentic/executions/{id}/replay", {
          params: { path: { id: execution.id } },
          body: {
            from_node: node === "" ? null : node,
            version,
            test_mode: !real,
            arm: real && armed,
            even_if_old: false,
            wait_s: 0,
          },
        }),
      ),
    onSuccess: (made) => {
      onClose();
      go(`/executions/${made.id}`);
    },
  });
  const ran = (execution.node_runs ?? []).filter((run) => run.state !== "skipped" && !run.iteration?.length);
  return (
    <Dialog open onClose={onClose} title={t("actions.replayTitle")} description={t("actions.replayLead")}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          replay.mutate();
        }}
      >
        <SelectField label={t("actions.from")} value={node} onChange={(event) => setNode(event.target.value)}>
          <option value="">{t("actions.fromStart")}</option>
          {ran.map((run) => (
            <option key={run.node} value={run.node}>
              {t("actions.fromNode", { node: run.name })}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("actions.which")}
          value={version}
          onChange={(event) => setVersion(event.target.value as typeof version)}
        >
          <option value="old">{t("actions.old")}</option>
          <option value="current">{t("actions.current")}</option>
        </SelectField>
        <fieldset className="flex flex-col gap-1.5">
          <label className="flex items-center gap-2">
            <input type="radio" name="mode" checked={!real} onChange={() => setReal(false)} className="accent-accent" />
            {t("actions.test")}
          </label>
          <label className="flex items-center gap-2">
            <input type="radio" name="mode" checked={real} onChange={() => setReal(true)} className="accent-accent" />
            {t("actions.real", { account: execution.account })}
          </label>
        </fieldset>
        {real && (
          <>
            <Notice tone="warn">{t("actions.realWarning", { account: execution.account })}</Notice>
            <TextField
              label={t("actions.arm", { word: t("actions.armWord") })}
              value={word}
              onChange={(event) => setWord(event.target.value)}
            />
          </>
        )}
        <Failure error={replay.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("app:cancel")}</Button>
          <Button type="submit" tone={real ? "danger" : "primary"} disabled={replay.isPending || (real && !armed)}>
            {t("actions.go")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
