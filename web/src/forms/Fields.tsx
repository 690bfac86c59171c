import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSimple } from "@/app/simple";
import { cx } from "@/ui/cx";
import { FieldRow } from "./FieldRow";
import { type Field, fieldsOf, isShown, type JsonSchema } from "./schema";
import { problemsAt, useSurroundings } from "./surroundings";
import { withValue } from "./values";

type Props = {
  schema: JsonSchema;
  root: JsonSchema;
  /** Names of fields that are not shown. */
  without?: string[];
  /** What stands before the names in paths: `rules.0.`. */
  at?: string;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>, field: string) => void;
};

/** The fields of one object that matter with its values; advanced ones fold away in simple mode. */
export function Fields({ schema, root, without = [], at = "", value, onChange }: Props) {
  const fields = fieldsOf(schema, root).filter((field) => !without.includes(field.name));
  const shown = fields.filter((field) => isShown(field, value, fields));
  const row = (field: Field) => (
    <FieldRow
      key={field.name}
      field={field}
      path={`${at}${field.name}`}
      value={value[field.name]}
      around={value}
      root={root}
      onChange={(changed) => onChange(withValue(value, field.name, changed), `${at}${field.name}`)}
    />
  );
  const advanced = shown.filter((field) => field.advanced);
  return (
    <div className="flex flex-col gap-4">
      {shown.filter((field) => !field.advanced).map(row)}
      {advanced.length > 0 && (
        <Advanced fields={advanced} at={at} value={value}>
          {advanced.map(row)}
        </Advanced>
      )}
    </div>
  );
}

/** Open outside simple mode, and wherever one of them is set or wrong: nothing that counts is hidden. */
function Advanced({
  fields,
  at,
  value,
  children,
}: {
  fields: Field[];
  at: string;
  value: Record<string, unknown>;
  children: React.ReactNode;
}) {
  const { t } = useTranslation("forms");
  const simple = useSimple();
  const { problems } = useSurroundings();
  const [chosen, setChosen] = useState<boolean | null>(null);
  const counts = fields.some(
    (field) =>
      (value[field.name] ?? field.default) !== field.default ||
      problemsAt(problems, `${at}${field.name}`, true).length > 0,
  );
  const open = chosen ?? (!simple || counts);
  return (
    <div className="border-t border-line pt-3">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setChosen(!open)}
        className="flex items-center gap-1 text-sm font-medium text-soft hover:text-ink"
      >
        <ChevronRight size={15} aria-hidden className={cx("transition-transform", open && "rotate-90")} />
        {t("advanced", { count: fields.length })}
      </button>
      {open && <div className="mt-3 flex flex-col gap-4">{children}</div>}
    </div>
  );
}
