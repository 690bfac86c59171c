// A small picture of a workflow: its nodes and connections as they lie on the canvas, in the colours of their categories.
import { cx } from "./cx";

type Drawn = {
  nodes: { id: string; type: string; position?: { x?: number; y?: number } }[];
  connections?: { source: string; target: string }[];
};
const WIDTH = 200;
const HEIGHT = 62;
const MARGIN = 40;
/** A graph of two nodes is not drawn larger than life. */
const LEAST = { width: 900, height: 420 };

export function GraphSketch({ document, label, className }: { document: Drawn; label: string; className?: string }) {
  const boxes = new Map(
    document.nodes.map(({ id, type, position }) => [id, { type, x: position?.x ?? 0, y: position?.y ?? 0 }]),
  );
  const xs = [...boxes.values()].map((box) => box.x);
  const ys = [...boxes.values()].map((box) => box.y);
  const drawn = {
    width: Math.max(...xs) - Math.min(...xs) + WIDTH + 2 * MARGIN,
    height: Math.max(...ys) - Math.min(...ys) + HEIGHT + 2 * MARGIN,
  };
  const width = Math.max(drawn.width, LEAST.width);
  const height = Math.max(drawn.height, LEAST.height);
  const left = Math.min(...xs) - MARGIN - (width - drawn.width) / 2;
  const top = Math.min(...ys) - MARGIN - (height - drawn.height) / 2;
  return (
    <svg
      viewBox={`${left} ${top} ${width} ${height}`}
      role="img"
      aria-label={label}
      className={cx("bg-canvas", className)}
    >
      {document.connections?.map(({ source, target }) => {
        const from = boxes.get(source);
        const to = boxes.get(target);
        if (!from || !to) return null;
        const [x, y, endX, endY] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
        const bend = Math.max(40, Math.abs(endX - x) / 2);
        return (
          <path
            key={`${source}→${target}`}
            d={`M${x},${y} C${x + bend},${y} ${endX - bend},${endY} ${endX},${endY}`}
            className="fill-none stroke-line-strong"
            strokeWidth="5"
            opacity="0.6"
          />
        );
      })}
      {[...boxes].map(([id, { type, x, y }]) => (
        <Box key={id} category={type.split(".")[0] ?? ""} x={x} y={y} />
      ))}
    </svg>
  );
}

function Box({ category, x, y }: { category: string; x: number; y: number }) {
  const tone = `var(--cat-${category}, var(--line-strong))`;
  return (
    <g>
      <rect
        x={x}
        y={y}
        width={WIDTH}
        height={HEIGHT}
        rx={category === "trigger" ? 31 : 14}
        className="fill-surface stroke-line-strong"
        strokeWidth="3"
      />
      <rect x={x + 12} y={y + 12} width="38" height="38" rx={category === "trigger" ? 19 : 10} fill={tone} />
      <rect x={x + 64} y={y + 18} width="110" height="10" rx="5" className="fill-line-strong" opacity="0.75" />
      <rect x={x + 64} y={y + 36} width="70" height="8" rx="4" className="fill-line-strong" opacity="0.4" />
    </g>
  );
}
