import { memo } from "react";
import type { LogLine } from "@/live/run-record";
import { cx } from "@/ui/cx";
import { fitted } from "./log-filter";

export const ROW_PX = 24;
/** The column of names. */
const NAME_CELLS = 17;
/** More than the widest screen shows. */
const MOST_CHARACTERS = 500;
const LOOKS: Record<string, string> = { warning: "text-warn", error: "text-bad", debug: "text-soft" };
const pad = (number: number, digits: number) => String(number).padStart(digits, "0");

/** Hours to milliseconds, UTC: formats of the browser are too slow for hundreds of lines a second. */
function clock(iso: string): string {
  const time = new Date(iso);
  const [h, m, s] = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()];
  return `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(time.getUTCMilliseconds(), 3)}`;
}

/** Texts are cut here and at the log's edge: a part that cuts its own is one more piece for the browser to compose. */
export const LogRow = memo(function LogRow({
  line,
  word,
  name,
  open,
  onOpen,
}: {
  line: LogLine;
  /** Its level, as people read it. */
  word: string;
  name: string;
  open: boolean;
  onOpen: (seq: number | null) => void;
}) {
  const turn = line.iteration && line.iteration.length > 0 ? ` [${line.iteration.join()}]` : "";
  return (
    <li data-seq={line.seq} style={{ height: ROW_PX }}>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => onOpen(open ? null : line.seq)}
        className={cx(
          "flex h-full w-full items-center gap-3 px-3 text-left whitespace-nowrap",
          open ? "bg-accent-soft" : "hover:bg-sunken",
          LOOKS[line.level],
        )}
      >
        <time dateTime={line.time} className="shrink-0 text-soft tabular-nums">
          {clock(line.time)}
        </time>
        <span className={cx("w-14 shrink-0 font-semibold", line.level === "info" && "text-accent")}>{word}</span>
        <span className="w-32 shrink-0 text-soft" title={name}>
          {fitted(`${name}${turn}`, NAME_CELLS)}
        </span>
        <span>{line.message.slice(0, MOST_CHARACTERS)}</span>
      </button>
    </li>
  );
});
