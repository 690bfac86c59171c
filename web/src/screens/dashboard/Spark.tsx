const WIDTH = 120;
const HEIGHT = 28;

/** A curve in a line of a table: its shape alone, with the line of nothing. What it shows stands beside it in figures. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  if (values.length < 2) return null;
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const x = (index: number) => (index / (values.length - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4);
  const last = values.at(-1) ?? 0;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      className={last >= 0 ? "text-good" : "text-bad"}
    >
      <line x1="0" x2={WIDTH} y1={y(0)} y2={y(0)} className="stroke-line-strong" strokeDasharray="2 3" />
      <polyline
        points={values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      />
    </svg>
  );
}
