import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx";

const BOX =
  "w-full rounded-md border bg-surface px-3 text-ink placeholder:text-soft disabled:opacity-60 aria-invalid:border-bad";

type Said = {
  label: ReactNode;
  /** What it is for, under it. */
  help?: ReactNode;
  /** What is wrong with what stands in it. */
  error?: string | null | undefined;
  className?: string;
};

/** A label, what stands under it, and what is wrong, all tied to the control that `children` makes with them. */
function Labelled({
  label,
  help,
  error,
  className,
  children,
}: Said & { children: (tied: { id: string; "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode }) {
  const id = useId();
  const said = error || help ? `${id}-said` : undefined;
  return (
    <div className={cx("flex min-w-0 flex-col gap-1", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, ...(error && { "aria-invalid": true }), ...(said && { "aria-describedby": said }) })}
      {said && (
        <p id={said} className={cx("text-xs", error ? "text-bad" : "text-soft")}>
          {error || help}
        </p>
      )}
    </div>
  );
}

/** One line of text. `unit` stands at its end. */
export function TextField({
  label,
  help,
  error,
  className,
  unit,
  ...input
}: Said & { unit?: ReactNode } & Omit<ComponentProps<"input">, "className">) {
  return (
    <Labelled label={label} help={help} error={error} {...(className && { className })}>
      {(tied) => (
        <div className="relative">
          <input
            {...tied}
            autoComplete="off"
            {...input}
            className={cx(BOX, "h-9 border-line-strong", Boolean(unit) && "pr-16")}
          />
          {unit && (
            <span className="pointer-events-none absolute inset-y-0 right-3 grid place-items-center text-xs text-soft">
              {unit}
            </span>
          )}
        </div>
      )}
    </Labelled>
  );
}

export function TextArea({
  label,
  help,
  error,
  className,
  ...area
}: Said & Omit<ComponentProps<"textarea">, "className">) {
  return (
    <Labelled label={label} help={help} error={error} {...(className && { className })}>
      {(tied) => <textarea rows={2} {...tied} {...area} className={cx(BOX, "resize-y border-line-strong py-2")} />}
    </Labelled>
  );
}

export function SelectField({
  label,
  help,
  error,
  className,
  children,
  ...select
}: Said & Omit<ComponentProps<"select">, "className">) {
  return (
    <Labelled label={label} help={help} error={error} {...(className && { className })}>
      {(tied) => (
        <select {...tied} {...select} className={cx(BOX, "h-9 border-line-strong")}>
          {children}
        </select>
      )}
    </Labelled>
  );
}
