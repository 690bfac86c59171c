import { ArrowDownToLine } from "lucide-react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LogLine } from "@/live/run-record";
import { Button } from "@/ui/Button";
import { LogRow, ROW_PX } from "./LogRow";
import { addedAtEnd, LEVELS, windowOf } from "./log-filter";

/** While its end is followed, the log grows by so many rows at once. */
const SPARE_ROWS = 100;
const roundedUp = (count: number, step: number): number => Math.ceil(count / step) * step;

type Props = {
  /** May grow in place. */
  lines: readonly LogLine[];
  names: ReadonlyMap<string, string>;
  /** What stands there without lines. */
  empty: string;
  open: number | null;
  onOpen: (seq: number | null) => void;
};

/** A log's lines. Only those in sight are drawn, however many there are; its end is followed until somebody scrolls up. */
export function LogList({ lines, names, empty, open, onOpen }: Props) {
  const { t } = useTranslation("runs");
  const words = useMemo(() => Object.fromEntries(LEVELS.map((level) => [level, t(`log.levels.${level}`)])), [t]);
  const { box, range, rows, follows, follow, onScroll } = useTail(lines);
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={t("log.label")}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        // From the end on: what comes there neither scrolls the log nor needs its layout to know where the end is.
        className="flex h-full flex-col-reverse overflow-x-hidden overflow-y-auto font-mono text-xs contain-strict [overflow-anchor:none]"
      >
        {lines.length === 0 && <p className="mb-auto p-4 font-sans text-sm text-soft">{empty}</p>}
        <div className="relative mb-auto shrink-0" style={{ height: rows * ROW_PX }}>
          <ol className="absolute inset-x-0" style={{ bottom: (lines.length - range[1]) * ROW_PX }}>
            {lines.slice(...range).map((line) => (
              <LogRow
                key={line.seq}
                line={line}
                word={words[line.level] ?? line.level}
                name={names.get(line.node ?? "") ?? line.node ?? ""}
                open={line.seq === open}
                onOpen={onOpen}
              />
            ))}
          </ol>
        </div>
      </div>
      <div
        aria-hidden
        className="pointer-events-none absolute inset-y-0 right-4 w-6 bg-linear-to-l from-surface to-transparent"
      />
      {!follows && (
        <Button small tone="primary" className="absolute right-5 bottom-3 shadow-raised" onClick={follow}>
          <ArrowDownToLine size={13} aria-hidden />
          {t("log.latest")}
        </Button>
      )}
    </div>
  );
}

/** Which rows are in sight, and whether the end is followed. `below` is how much of the log is under what is in sight. */
function useTail(lines: readonly LogLine[]) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ below: 0, height: 400 });
  const [follows, setFollows] = useState(true);
  const last = lines.at(-1)?.seq ?? 0;
  const known = useRef(last);
  useLayoutEffect(() => {
    const element = box.current;
    const added = addedAtEnd(lines, known.current);
    known.current = last;
    if (follows || !element || added === 0) return;
    element.scrollTop -= added * ROW_PX;
    setAt({ below: -element.scrollTop, height: element.clientHeight });
  }, [lines, last, follows]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setAt({ below: -element.scrollTop, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    setAt({ below: -element.scrollTop, height: element.clientHeight });
    setFollows(-element.scrollTop < ROW_PX);
  };
  const follow = () => {
    if (box.current) box.current.scrollTop = 0;
    setFollows(true);
  };
  const below = follows ? 0 : at.below;
  const top = Math.max(0, lines.length * ROW_PX - below - at.height);
  // Out of sight, above the first line, there is room to spare: a scrolled part that grows is laid into layers anew.
  const rows = follows && top > 0 ? roundedUp(lines.length, SPARE_ROWS) : lines.length;
  return { box, range: windowOf(lines.length, ROW_PX, top, at.height), rows, follows, follow, onScroll };
}
