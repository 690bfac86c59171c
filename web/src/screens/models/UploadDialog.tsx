import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextArea, TextField } from "@/ui/Field";
import { number } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { TIMEFRAMES, type Upload, useUpload } from "./queries";

/** As large as a file may be that is sent in a request: the server's own rule. */
export const MOST_BYTES = 860_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

type Props = { open: boolean; onClose: () => void; onModel: (id: string) => void };

/** Brings a model that was trained elsewhere, as an ONNX file. */
export function UploadDialog({ open, onClose, onModel }: Props) {
  const { t } = useTranslation("models");
  return (
    <Dialog open={open} onClose={onClose} title={t("upload.title")} description={t("upload.lead")}>
      <Form onClose={onClose} onModel={onModel} />
    </Dialog>
  );
}

const EMPTY = { name: "", horizon: "1", features: "", target: "scaled_return", timeframe: "", trainedTo: "" };
type Typed = typeof EMPTY;

function Form({ onClose, onModel }: Omit<Props, "open">) {
  const { t } = useTranslation("models");
  const [file, setFile] = useState<File | null>(null);
  const [typed, setTyped] = useState(EMPTY);
  const upload = useUpload();
  const wrong = useWrong(file, typed, upload.error);
  const field = (name: keyof Typed) => ({
    label: t(`upload.${name}`),
    help: t(`upload.${name}Help`),
    value: typed[name],
    onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: event.target.value }),
  });
  const choose = (chosen: File | null) => {
    setFile(chosen);
    // A name that was typed stays; one that came with the file before does not.
    if (chosen && (!typed.name || typed.name === nameOf(file))) setTyped({ ...typed, name: nameOf(chosen) });
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    upload.mutate(asked(typed, await base64(file)), {
      onSuccess: (model) => {
        toast.done(t("upload.done", { name: typed.name }));
        onModel(model.id);
        onClose();
      },
    });
  };
  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <TextField
        type="file"
        accept=".onnx"
        label={t("upload.file")}
        help={t("upload.fileHelp", { most: number(MOST_BYTES / 1000, 0) })}
        error={wrong.file}
        onChange={(event) => choose(event.target.files?.[0] ?? null)}
        style={{ paddingBlock: "5px" }}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField {...field("name")} error={wrong.name} maxLength={64} />
        <TextField {...field("horizon")} error={wrong.horizon} unit={t("train.unit")} inputMode="numeric" />
        <SelectField {...field("target")}>
          <option value="scaled_return">{t("upload.scaled")}</option>
          <option value="log_return">{t("upload.log")}</option>
        </SelectField>
        <SelectField {...field("timeframe")}>
          <option value="">{t("upload.anyTimeframe")}</option>
          {TIMEFRAMES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </SelectField>
        <TextField {...field("trainedTo")} type="date" className="sm:col-span-2" />
        <TextArea {...field("features")} error={wrong.features} className="sm:col-span-2" spellCheck={false} />
      </div>
      <Failure error={upload.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("train.cancel")}</Button>
        <Button tone="primary" type="submit" disabled={upload.isPending || !file || !typed.name || wrong.any}>
          {t(upload.isPending ? "upload.sending" : "upload.send")}
        </Button>
      </div>
    </form>
  );
}

/** What is wrong with what was typed, and with what the server said of it. */
function useWrong(file: File | null, typed: Typed, error: unknown) {
  const { t } = useTranslation("models");
  const refused = error instanceof ApiError ? error.trouble.field : null;
  const large = file !== null && file.size > MOST_BYTES;
  const horizon = !(
    Number.isInteger(Number(typed.horizon)) &&
    Number(typed.horizon) >= 1 &&
    Number(typed.horizon) <= 200
  );
  const name = typed.name !== "" && !NAME.test(typed.name);
  const said = (wrong: boolean, words: string) => (wrong ? words : undefined);
  return {
    any: large || horizon || name,
    file: said(large, t("upload.tooLarge")),
    name: said(name, t("upload.badName")),
    horizon: said(horizon, t("upload.badHorizon")),
    features: said(refused === "features", t("upload.badFeatures")),
  };
}

/** The file's name where it can name a model. */
const nameOf = (file: File | null): string => {
  const name = file?.name.replace(/\.onnx$/i, "") ?? "";
  return NAME.test(name) ? name : "";
};

function asked(typed: Typed, model: string): Upload {
  const features = typed.features.split(/[\s,]+/).filter(Boolean);
  return {
    name: typed.name,
    model,
    horizon: Number(typed.horizon),
    target: typed.target as Upload["target"],
    features: features.length ? features : null,
    timeframe: (typed.timeframe || null) as Upload["timeframe"],
    trained_to: typed.trainedTo ? `${typed.trainedTo}T00:00:00Z` : null,
  };
}

const base64 = (file: File): Promise<string> =>
  new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).replace(/^.*,/, ""));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
