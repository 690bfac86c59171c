import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import {
  BUCKETS,
  type Bucket,
  type Drawn,
  type Figure,
  type Filter,
  type Fn,
  FUNCTIONS,
  isNumber,
  isTime,
  type Kinds,
  type Operator,
  operatorsFor,
  sortable,
  takesValue,
} from "./builder";

type Props = { drawn: Drawn; kinds: Kinds; onChange: (change: Partial<Drawn>) => void };
const BOX = "h-8 min-w-0 rounded-md border border-line-strong bg-surface px-2 text-sm";
const next = (all: { id: number }[]): number => Math.max(0, ...all.map((each) => each.id)) + 1;

/** The query in words: filters, groups and figures, order. */
export function Builder(props: Props) {
  const { t } = useTranslation("data");
  return (
    <div className="grid grid-cols-[auto_minmax(0,1fr)] items-start gap-x-4 gap-y-3 max-sm:grid-cols-1">
      <Line label={t("builder.show")}>
        <Shown {...props} />
      </Line>
      <Line label={t("builder.where")}>
        <Filters {...props} />
      </Line>
      <Line label={t("builder.group")}>
        <Groups {...props} />
      </Line>
      <Line label={t("builder.order")}>
        <Ordering {...props} />
      </Line>
    </div>
  );
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <p className="pt-1.5 font-medium text-soft">{label}</p>
      <div className="flex min-w-0 flex-wrap items-center gap-2">{children}</div>
    </>
  );
}

function Select({
  label,
  value,
  onChange,
  options,
  className,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: [value: string, word: string][];
  className?: string;
}) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className={cx(BOX, className)}
    >
      {options.map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  );
}

const named = (names: string[]): [string, string][] => names.map((name) => [name, name]);

/** Chips of the columns; none pressed means all. Where figures are made, they and the group are what is shown. */
function Shown({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  if (drawn.group || drawn.figures.length) return <span className="pt-1.5 text-soft">{t("builder.summed")}</span>;
  const toggle = (name: string) => {
    const columns = drawn.columns.includes(name)
      ? drawn.columns.filter((each) => each !== name)
      : Object.keys(kinds).filter((each) => each === name || drawn.columns.includes(each));
    onChange({ columns });
  };
  return (
    <>
      {Object.keys(kinds).map((name) => {
        const on = drawn.columns.includes(name);
        return (
          <button
            key={name}
            type="button"
            aria-pressed={on}
            onClick={() => toggle(name)}
            className={cx(
              "rounded-full border px-2.5 py-0.5 font-mono text-xs",
              on ? "border-accent bg-accent-soft text-accent" : "border-line text-ink hover:bg-sunken",
            )}
          >
            {name}
          </button>
        );
      })}
      {drawn.columns.length === 0 && <span className="text-xs text-soft">{t("builder.all")}</span>}
    </>
  );
}

function Filters({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  const set = (id: number, change: Partial<Filter>) =>
    onChange({ filters: drawn.filters.map((each) => (each.id === id ? { ...each, ...change } : each)) });
  const add = () => {
    const column = Object.keys(kinds).find((name) => kinds[name] === "text") ?? "id";
    onChange({ filters: [...drawn.filters, { id: next(drawn.filters), column, operator: "=", value: "" }] });
  };
  return (
    <>
      {drawn.filters.map((filter) => (
        <FilterRow
          key={filter.id}
          filter={filter}
          kinds={kinds}
          onChange={(change) => set(filter.id, change)}
          onDrop={() => onChange({ filters: drawn.filters.filter((each) => each.id !== filter.id) })}
        />
      ))}
      <Button small tone="quiet" onClick={add}>
        <Plus size={14} aria-hidden />
        {t("builder.addFilter")}
      </Button>
    </>
  );
}

function FilterRow({
  filter,
  kinds,
  onChange,
  onDrop,
}: {
  filter: Filter;
  kinds: Kinds;
  onChange: (change: Partial<Filter>) => void;
  onDrop: () => void;
}) {
  const { t } = useTranslation("data");
  const kind = kinds[filter.column];
  const operators = operatorsFor(kind);
  const choose = (column: string) => {
    const fits = operatorsFor(kinds[column]);
    onChange({ column, operator: fits.includes(filter.operator) ? filter.operator : (fits[0] ?? "=") });
  };
  return (
    <fieldset className="flex min-w-0 items-center gap-1 rounded-lg bg-sunken p-1">
      <legend className="sr-only">{t("builder.filter", { column: filter.column })}</legend>
      <Select label={t("builder.column")} value={filter.column} onChange={choose} options={named(Object.keys(kinds))} />
      <Select
        label={t("builder.operator")}
        value={filter.operator}
        onChange={(operator) => onChange({ operator: operator as Operator })}
        options={operators.map((each) => [each, t(`operator.${each}`)])}
      />
      {takesValue(filter.operator) &&
        (kind === "boolean" ? (
          <Select
            label={t("builder.value")}
            value={filter.value || "true"}
            onChange={(value) => onChange({ value })}
            options={[
              ["true", t("builder.yes")],
              ["false", t("builder.no")],
            ]}
          />
        ) : (
          <input
            aria-label={t("builder.value")}
            value={filter.value}
            onChange={(event) => onChange({ value: event.target.value })}
            placeholder={isTime(kind) ? "2024-01-31T00:00:00Z" : isNumber(kind) ? "0" : t("builder.text")}
            inputMode={isNumber(kind) ? "decimal" : "text"}
            className={cx(BOX, isTime(kind) ? "w-48" : "w-32")}
          />
        ))}
      <IconButton small label={t("builder.dropFilter")} onClick={onDrop}>
        <X size={14} aria-hidden />
      </IconButton>
    </fieldset>
  );
}

function Groups({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  const groups = Object.keys(kinds).filter((name) => kinds[name] !== "jsonb");
  const set = (id: number, change: Partial<Figure>) =>
    onChange({ figures: drawn.figures.map((each) => (each.id === id ? { ...each, ...change } : each)) });
  const group = (name: string) => {
    const figures = name && !drawn.figures.length ? [{ id: 1, fn: "count" as const, column: "" }] : drawn.figures;
    onChange({ group: name, figures, order: name, descending: false });
  };
  return (
    <>
      <Select
        label={t("builder.groupBy")}
        value={drawn.group}
        onChange={group}
        options={[["", t("builder.noGroup")], ...named(groups)]}
      />
      {isTime(kinds[drawn.group]) && (
        <Select
          label={t("builder.bucket")}
          value={drawn.bucket}
          onChange={(bucket) => onChange({ bucket: bucket as Bucket })}
          options={BUCKETS.map((each) => [each, t(`bucket.${each}`)])}
        />
      )}
      {drawn.figures.map((figure) => (
        <FigureRow
          key={figure.id}
          figure={figure}
          kinds={kinds}
          onChange={(change) => set(figure.id, change)}
          onDrop={() => onChange({ figures: drawn.figures.filter((each) => each.id !== figure.id) })}
        />
      ))}
      <Button
        small
        tone="quiet"
        onClick={() => onChange({ figures: [...drawn.figures, { id: next(drawn.figures), fn: "count", column: "" }] })}
      >
        <Plus size={14} aria-hidden />
        {t("builder.addFigure")}
      </Button>
    </>
  );
}

function FigureRow({
  figure,
  kinds,
  onChange,
  onDrop,
}: {
  figure: Figure;
  kinds: Kinds;
  onChange: (change: Partial<Figure>) => void;
  onDrop: () => void;
}) {
  const { t } = useTranslation("data");
  const columns = (fn: Fn) =>
    Object.keys(kinds).filter(
      (name) => isNumber(kinds[name]) || (fn === "min" || fn === "max" ? isTime(kinds[name]) : false),
    );
  const choose = (fn: Fn) => {
    const fits = columns(fn);
    onChange({
      fn,
      column: fn === "count" ? "" : fits.includes(figure.column) ? figure.column : (fits.at(-1) ?? "id"),
    });
  };
  return (
    <fieldset className="flex min-w-0 items-center gap-1 rounded-lg bg-sunken p-1">
      <legend className="sr-only">{t("builder.figure")}</legend>
      <Select
        label={t("builder.function")}
        value={figure.fn}
        onChange={(fn) => choose(fn as Fn)}
        options={FUNCTIONS.map((each) => [each, t(`function.${each}`)])}
      />
      {figure.fn !== "count" && (
        <Select
          label={t("builder.column")}
          value={figure.column}
          onChange={(column) => onChange({ column })}
          options={named(columns(figure.fn))}
        />
      )}
      <IconButton small label={t("builder.dropFigure")} onClick={onDrop}>
        <X size={14} aria-hidden />
      </IconButton>
    </fieldset>
  );
}

function Ordering({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  return (
    <>
      <Select
        label={t("builder.orderBy")}
        value={drawn.order}
        onChange={(order) => onChange({ order })}
        options={[["", t("builder.noOrder")], ...named(sortable(drawn, kinds))]}
      />
      <Select
        label={t("builder.direction")}
        value={drawn.descending ? "down" : "up"}
        onChange={(way) => onChange({ descending: way === "down" })}
        options={[
          ["up", t("builder.ascending")],
          ["down", t("builder.descending")],
        ]}
      />
      <Select
        label={t("builder.limit")}
        value={String(drawn.limit)}
        onChange={(limit) => onChange({ limit: Number(limit) })}
        options={[10, 100, 1_000, 10_000].map((each) => [String(each), t("builder.rows", { count: each })])}
      />
    </>
  );
}
