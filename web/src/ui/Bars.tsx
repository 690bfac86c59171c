import { cx } from "./cx";

/** Bars by category, negative ones to the left of the line. Read as a list by screen readers. */
export function Bars({
  label,
  bars,
  format,
}: {
  label: string;
  bars: readonly { label: string; value: number }[];
  format: (value: number) => string;
}) {
  const low = Math.min(0, ...bars.map((bar) => bar.value));
  const high = Math.max(0, ...bars.map((bar) => bar.value));
  const span = high - low || 1;
  const zero = (-low / span) * 100;
  return (
    <ul
      aria-label={label}
      className="grid grid-cols-[minmax(4rem,max-content)_1fr_max-content] items-center gap-x-3 gap-y-1.5"
    >
      {bars.map((bar) => (
        <li key={bar.label} className="contents">
          <span className="max-w-48 truncate" title={bar.label}>
            {bar.label}
          </span>
          <span aria-hidden className="relative h-5 rounded bg-sunken">
            <span
              className={cx("absolute inset-y-0 rounded", bar.value < 0 ? "bg-bad" : "bg-accent")}
              style={{
                left: `${bar.value < 0 ? zero + (bar.value / span) * 100 : zero}%`,
                width: `${(Math.abs(bar.value) / span) * 100}%`,
              }}
            />
          </span>
          <span className="text-right tabular-nums">{format(bar.value)}</span>
        </li>
      ))}
    </ul>
  );
}
