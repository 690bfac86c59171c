// What the query's rows are made of.
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import type { Drawn, Kinds } from "./builder";

export type Props = { drawn: Drawn; kinds: Kinds; onChange: (change: Partial<Drawn>) => void };
export const BOX = "h-8 min-w-0 rounded-md border border-line-strong bg-surface px-2 text-sm";

export function Select({
  label,
  value,
  onChange,
  options,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: [value: string, word: string][];
}) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)} className={BOX}>
      {options.map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  );
}

export const named = (names: string[]): [string, string][] => names.map((name) => [name, name]);

/** One filter or figure, with the button that takes it away. */
export function Row({
  legend,
  dropLabel,
  onDrop,
  children,
}: {
  legend: string;
  dropLabel: string;
  onDrop: () => void;
  children: ReactNode;
}) {
  return (
    <fieldset className="flex min-w-0 items-center gap-1 rounded-lg bg-sunken p-1">
      <legend className="sr-only">{legend}</legend>
      {children}
      <IconButton small label={dropLabel} onClick={onDrop}>
        <X size={14} aria-hidden />
      </IconButton>
    </fieldset>
  );
}

/** A name that is in or out. */
export function Chip({ name, on, onToggle }: { name: string; on: boolean; onToggle: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onToggle}
      className={cx(
        "rounded-full border px-2.5 py-0.5 font-mono text-xs",
        on ? "border-accent bg-accent-soft text-accent" : "border-line text-ink hover:bg-sunken",
      )}
    >
      {name}
    </button>
  );
}
