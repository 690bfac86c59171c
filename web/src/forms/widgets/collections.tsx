// Widgets of many values: key-value, lists of plain values, choices of several.
import { Plus, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { BOX, itemsOf, TextBox, type WidgetProps } from "../parts";
import { choicesOf, isObject, type JsonSchema, wordsOf } from "../schema";
import { jsonOf, lineOf } from "../values";
import { MappedBox } from "./MappedBox";

type Row = { id: number; key: string; value: unknown };

const rowsOf = (given: unknown, next: { current: number }): Row[] =>
  Object.entries(isObject(given) ? given : {}).map(([key, value]) => ({ id: next.current++, key, value }));

/** Rows of a name and a value. Names twice or empty stay on the screen until they are told apart. */
export function KeyValueWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { value, onChange, field } = props;
  const next = useRef(0);
  const [rows, setRows] = useState(() => rowsOf(value, next));
  const told = useRef(value);
  useEffect(() => {
    // Only what comes from elsewhere (undo, an example) replaces what is being typed.
    if (told.current === value) return;
    told.current = value;
    setRows(rowsOf(value, next));
  }, [value]);
  const change = (changed: Row[]) => {
    setRows(changed);
    const named = Object.fromEntries(changed.filter((row) => row.key !== "").map((row) => [row.key, row.value ?? ""]));
    told.current = named;
    onChange(named);
  };
  const patch = (id: number, part: Partial<Row>) =>
    change(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const of = typeof field.schema.additionalProperties === "object" ? field.schema.additionalProperties : {};
  return (
    <Rows
      {...props}
      empty={rows.length === 0}
      word={t("keyvalue.add")}
      onAdd={() => setRows([...rows, { id: next.current++, key: "", value: undefined }])}
    >
      {rows.map((row, index) => {
        const twice = rows.some((other) => other.id !== row.id && other.key === row.key && row.key !== "");
        return (
          <div key={row.id} className="grid grid-cols-[2fr_3fr_auto] items-start gap-1.5">
            <TextBox
              id={index === 0 ? props.id : undefined}
              aria-label={t("keyvalue.name", { field: field.title })}
              placeholder={t("keyvalue.namePlaceholder")}
              value={row.key}
              invalid={twice}
              title={twice ? t("keyvalue.twice") : undefined}
              onChange={(event) => patch(row.id, { key: event.target.value })}
            />
            <OneValue
              label={t("keyvalue.value", { name: row.key || field.title })}
              path={`${props.path}.${row.key}`}
              schema={of}
              fixed={field.static}
              value={row.value}
              onChange={(changed) => patch(row.id, { value: changed })}
            />
            <IconButton
              label={t("keyvalue.remove", { name: row.key || index + 1 })}
              onClick={() => change(rows.filter((each) => each.id !== row.id))}
            >
              <X size={15} aria-hidden />
            </IconButton>
          </div>
        );
      })}
    </Rows>
  );
}

/** Rows, and the button that adds one. The field's label names the first row, or the button where there is none. */
function Rows({
  id,
  describedBy,
  field,
  empty,
  full = false,
  word,
  onAdd,
  children,
}: Pick<WidgetProps, "id" | "describedBy" | "field"> & {
  empty: boolean;
  full?: boolean;
  word: string;
  onAdd: () => void;
  children: ReactNode;
}) {
  const { t } = useTranslation("forms");
  return (
    <fieldset aria-labelledby={`${id}-label`} aria-describedby={describedBy} className="flex flex-col gap-1.5">
      {children}
      <Button
        small
        id={empty ? id : undefined}
        aria-label={t("list.addTo", { field: field.title })}
        className="self-start"
        disabled={full}
        onClick={onAdd}
      >
        <Plus size={14} aria-hidden /> {word}
      </Button>
    </fieldset>
  );
}

/** One value among others: any JSON, a text, or one of a few words. */
function OneValue({
  label,
  path,
  schema,
  fixed,
  value,
  onChange,
}: {
  label: string;
  path: string;
  schema: JsonSchema;
  fixed: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const choices = choicesOf(schema);
  if (choices.length > 0)
    return (
      <select
        aria-label={label}
        value={String(value ?? "")}
        onChange={(event) => onChange(event.target.value)}
        className={cx(BOX, "h-9")}
      >
        {value === undefined && <option value="" />}
        {choices.map((choice) => (
          <option key={String(choice)} value={String(choice)}>
            {wordsOf(choice)}
          </option>
        ))}
      </select>
    );
  return (
    <MappedBox
      label={label}
      path={path}
      fixed={fixed}
      text={schema.type === "string"}
      value={value}
      onChange={onChange}
    />
  );
}

/** A list of plain values, a row each; of a few known words, a choice of several. */
export function ValuesWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const items = field.schema.items ?? field.schema.anyOf?.find((part) => part.type === "array")?.items ?? {};
  const choices = choicesOf(items);
  const given = itemsOf(field, value);
  if (choices.length > 0) return <Several {...props} choices={choices} given={given} />;
  const text = items.type === "string";
  const put = (index: number, each: unknown) => onChange(given.map((old, at) => (at === index ? (each ?? "") : old)));
  return (
    <Rows
      {...props}
      empty={given.length === 0}
      full={given.length >= (field.schema.maxItems ?? Number.POSITIVE_INFINITY)}
      word={t("list.add")}
      onAdd={() => onChange([...given, ""])}
    >
      {given.map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: plain values have nothing else to be known by
        <div key={index} className="grid grid-cols-[1fr_auto] items-start gap-1.5">
          <MappedBox
            id={index === 0 ? props.id : undefined}
            label={t("list.item", { field: field.title, number: index + 1 })}
            path={`${props.path}.${index}`}
            fixed={field.static}
            text={text}
            value={each}
            onChange={(changed) => put(index, changed)}
          />
          <IconButton
            label={t("list.remove", { number: index + 1 })}
            onClick={() => onChange(given.filter((_, at) => at !== index))}
          >
            <X size={15} aria-hidden />
          </IconButton>
        </div>
      ))}
    </Rows>
  );
}

function Several({ choices, given, ...props }: WidgetProps & { choices: unknown[]; given: unknown[] }) {
  return (
    <fieldset
      aria-labelledby={`${props.id}-label`}
      aria-describedby={props.describedBy}
      className="flex max-h-52 flex-wrap gap-1.5 overflow-y-auto"
    >
      {choices.map((choice, index) => {
        const on = given.includes(choice);
        return (
          <label
            key={String(choice)}
            className={cx(
              "cursor-pointer rounded-full border px-2.5 py-0.5 text-xs has-focus-visible:outline-2 has-focus-visible:outline-accent",
              on ? "border-accent bg-accent-soft font-medium text-accent" : "border-line text-soft hover:text-ink",
            )}
          >
            <input
              type="checkbox"
              id={index === 0 ? props.id : undefined}
              checked={on}
              onChange={() => props.onChange(on ? given.filter((each) => each !== choice) : [...given, choice])}
              className="sr-only"
            />
            {wordsOf(choice)}
          </label>
        );
      })}
    </fieldset>
  );
}

/** Any JSON on one line, or a structure over several. */
export function AnyWidget(props: WidgetProps) {
  const { field, value, onChange } = props;
  if (typeof value === "object" && value !== null) return <Structure {...props} />;
  return (
    <MappedBox
      within
      id={props.id}
      label={field.title}
      path={props.path}
      fixed={field.static}
      text={field.schema.type === "string"}
      value={value}
      placeholder={field.examples.map(lineOf)[0]}
      onChange={onChange}
    />
  );
}

/** JSON over several lines: what cannot be read stays on the screen, and is not given on. */
function Structure(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? JSON.stringify(props.value, null, 2);
  const broken = typed !== null && typeof jsonOf(typed) === "string" && /^\s*[[{]/.test(typed);
  return (
    <div>
      <textarea
        id={props.id}
        aria-label={props.field.title}
        aria-invalid={broken || props.invalid || undefined}
        rows={Math.min(text.split("\n").length + 1, 14)}
        value={text}
        onChange={(event) => {
          setTyped(event.target.value);
          const read = jsonOf(event.target.value);
          if (typeof read !== "string" || !/^\s*[[{]/.test(event.target.value)) props.onChange(read);
        }}
        onBlur={() => !broken && setTyped(null)}
        className={cx(BOX, "block py-2 font-mono text-[13px]", (broken || props.invalid) && "border-bad")}
      />
      {broken && (
        <p role="alert" className="mt-1 text-xs text-bad">
          {t("code.broken")}
        </p>
      )}
    </div>
  );
}
