import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, type Schemas } from "@/api/client";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { type Credential, type Kind, useAdd, useReplace } from "./queries";
import { UsedBy } from "./UsedBy";

type Props = { kinds: Kind[]; credential?: Credential; onClose: () => void };

/** A new credential, or what is to change of one. What is typed lives in this form alone, until it is closed. */
export function CredentialDialog({ kinds, credential, onClose }: Props) {
  const { t } = useTranslation("credentials");
  const [name, setName] = useState(credential?.name ?? "");
  const [kindName, setKindName] = useState(credential?.kind ?? kinds[0]?.kind ?? "");
  const [values, setValues] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const add = useAdd();
  const replace = useReplace(credential?.id ?? "");
  const saving = credential ? replace : add;
  const kind = kinds.find(({ kind }) => kind === kindName);
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  const missing = credential
    ? []
    : (kind?.fields ?? []).filter((field) => field.required && !field.default && !given[field.name]);

  function save(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (name.trim() === "" || missing.length > 0) return;
    const done = () => {
      toast.done(t(credential ? "form.changed" : "form.saved", { name: name.trim() }));
      onClose();
    };
    if (!credential) add.mutate({ name: name.trim(), kind: kindName, fields: given }, { onSuccess: done });
    else {
      const renamed = name.trim() !== credential.name;
      if (!renamed && Object.keys(given).length === 0) return onClose();
      replace.mutate({ ...(renamed && { name: name.trim() }), fields: given }, { onSuccess: done });
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={credential ? t("form.change", { name: credential.name }) : t("form.new")}
      description={kind?.description}
    >
      <form onSubmit={save} autoComplete="off" className="flex flex-col gap-4">
        {!credential && (
          <SelectField
            label={t("form.kind")}
            value={kindName}
            onChange={(event) => {
              setKindName(event.target.value);
              setValues({});
            }}
          >
            {kinds.map((each) => (
              <option key={each.kind} value={each.kind}>
                {each.title}
              </option>
            ))}
          </SelectField>
        )}
        <TextField
          label={t("form.name")}
          help={t("form.nameHelp")}
          error={tried && name.trim() === "" ? t("form.missing") : wrongAt(saving.error, "name")}
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {kind?.fields.map((field) => (
          <Value
            key={`${kindName} ${field.name}`}
            field={field}
            isSet={credential?.fields.includes(field.name) ?? false}
            value={values[field.name] ?? ""}
            error={tried && missing.includes(field) ? t("form.missing") : wrongAt(saving.error, `fields.${field.name}`)}
            onValue={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))}
        {credential && <UsedBy id={credential.id} />}
        <Failure error={saving.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("app:cancel")}</Button>
          <Button type="submit" tone="primary" disabled={saving.isPending}>
            {t("form.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the server says is wrong with a field. */
function wrongAt(error: unknown, field: string): string | null {
  if (!(error instanceof ApiError)) return null;
  const { trouble } = error;
  const problem = trouble.problems?.find((each) => each.field === field);
  return problem?.message ?? (trouble.field === field ? trouble.message : null);
}

function Value({
  field,
  isSet,
  value,
  error,
  onValue,
}: {
  field: Schemas["CredentialField"];
  isSet: boolean;
  value: string;
  error: string | null;
  onValue: (value: string) => void;
}) {
  const { t } = useTranslation("credentials");
  const label = field.required ? field.title : t("form.optional", { title: field.title });
  const kept = isSet ? (field.secret ? t("form.secretSet") : t("form.keep")) : field.secret ? t("form.sealed") : "";
  const said = { label, help: `${field.help} ${kept}`.trim(), error };
  if (field.choices)
    return (
      <SelectField {...said} value={value} onChange={(event) => onValue(event.target.value)}>
        <option value="">{field.default ?? t("form.choose")}</option>
        {field.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </SelectField>
    );
  return (
    <TextField
      {...said}
      type={field.secret ? "password" : "text"}
      autoComplete={field.secret ? "new-password" : "off"}
      spellCheck={false}
      placeholder={field.default ?? undefined}
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  );
}
