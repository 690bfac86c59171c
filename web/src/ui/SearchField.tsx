import { Search } from "lucide-react";
import { cx } from "./cx";

/** Where one types what a list or a book is searched for. */
export function SearchField({
  label,
  value,
  onChange,
  className,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  className?: string;
}) {
  return (
    <label className={cx("relative", className)}>
      <span className="sr-only">{label}</span>
      <Search size={16} aria-hidden className="absolute top-2.5 left-2.5 text-soft" />
      <input
        type="search"
        value={value}
        placeholder={label}
        onChange={(event) => onChange(event.target.value)}
        className="h-9 w-full rounded-md border border-line-strong bg-surface pr-2 pl-8 placeholder:text-soft"
      />
    </label>
  );
}
