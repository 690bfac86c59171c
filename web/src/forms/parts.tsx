// What several widgets are made of.
import i18next from "i18next";
import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { cx } from "@/ui/cx";
import type { Field } from "./schema";

export type WidgetProps = {
  /** Of the element that the label names. */
  id: string;
  /** From the form's values: `rules.0.path`. */
  path: string;
  field: Field;
  value: unknown;
  onChange: (value: unknown) => void;
  invalid: boolean;
  describedBy: string | undefined;
};

export const BOX =
  "w-full rounded-md border border-line-strong/60 bg-surface px-2.5 text-ink placeholder:text-soft/70 hover:border-line-strong focus-visible:outline-offset-0";

export function TextBox({ className, invalid, ...rest }: ComponentProps<"input"> & { invalid?: boolean }) {
  return (
    <input
      type="text"
      autoComplete="off"
      spellCheck={false}
      {...rest}
      aria-invalid={invalid || undefined}
      className={cx(BOX, "h-9", invalid && "border-bad hover:border-bad", className)}
    />
  );
}

export function SelectBox({ invalid, ...rest }: Omit<ComponentProps<"select">, "className"> & { invalid: boolean }) {
  return (
    <div className="relative">
      <select {...rest} className={cx(BOX, "h-9 appearance-none pr-8", invalid && "border-bad")} />
      <ChevronDown size={15} aria-hidden className="pointer-events-none absolute top-2.5 right-2.5 text-soft" />
    </div>
  );
}

/** The same attributes on whatever element a widget is. */
export const marks = ({ id, invalid, describedBy }: WidgetProps) => ({
  id,
  "aria-invalid": invalid || undefined,
  "aria-describedby": describedBy,
});

/** The values of a field that holds a list. */
export function itemsOf(field: Field, value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return Array.isArray(field.default) ? field.default : [];
}

/** An example as a placeholder; examples that are expressions belong to expression mode. */
export function placeholderOf(field: Field): string {
  if (field.default !== undefined && field.default !== null && field.default !== "") return String(field.default);
  const example = field.examples.find((each) => typeof each !== "object" && !String(each).startsWith("="));
  if (example !== undefined) return String(example);
  return field.nullable ? i18next.t("forms:unset") : "";
}
