import { ArrowDownToLine, Download } from "lucide-react";
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Execution, LogLine } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { useRun } from "@/live/use-run";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { saveFile } from "@/ui/save";
import { LogDetail } from "./LogDetail";
import { LogRow, ROW_PX } from "./LogRow";
import { asText, EVERYTHING, FilteredLog, LEVELS, type LogFilter, windowOf } from "./log-filter";
import { useNames } from "./use-names";

type Props = { execution: Execution; selected: string | null; onSelect: (node: string | null) => void };

/** The log as it is written. Only the lines in sight are drawn, however many there are. */
export function LogPane({ execution, selected, onSelect }: Props) {
  const { t } = useTranslation("runs");
  useRun((view) => view.linesVersion);
  const lines = useRun((view) => view.lines);
  const names = useNames(execution.id);
  const [filter, setFilter] = useState<LogFilter>(EVERYTHING);
  const [filtered] = useState(() => new FilteredLog());
  const shown = filtered.of(lines, filter);
  const [open, setOpen] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const { range, follows, follow, onScroll } = useTail(box, shown.length);
  const opened = open === null ? undefined : shown.find((line) => line.seq === open);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <Toolbar
        filter={filter}
        onFilter={setFilter}
        shown={shown}
        selected={selected}
        names={names}
        execution={execution}
      />
      <div className="relative min-h-0 flex-1">
        <div
          ref={box}
          onScroll={onScroll}
          role="log"
          aria-live="off"
          aria-label={t("log.label")}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          tabIndex={0}
          className="h-full overflow-y-auto font-mono text-xs"
        >
          {shown.length === 0 && (
            <p className="p-4 font-sans text-sm text-soft">
              {lines.length > 0 ? t("log.noMatch") : t(hasEnded(execution.status) ? "log.emptyEnded" : "log.empty")}
            </p>
          )}
          <div style={{ height: shown.length * ROW_PX, position: "relative" }}>
            <ol style={{ transform: `translateY(${range[0] * ROW_PX}px)` }}>
              {shown.slice(...range).map((line) => (
                <LogRow
                  key={line.seq}
                  line={line}
                  name={names.get(line.node ?? "") ?? line.node ?? ""}
                  open={line.seq === open}
                  onOpen={setOpen}
                />
              ))}
            </ol>
          </div>
        </div>
        {!follows && (
          <Button small tone="primary" className="absolute right-5 bottom-3 shadow-raised" onClick={follow}>
            <ArrowDownToLine size={13} aria-hidden />
            {t("log.latest")}
          </Button>
        )}
      </div>
      {opened && <LogDetail id={execution.id} line={opened} onShow={onSelect} onClose={() => setOpen(null)} />}
    </div>
  );
}

/** Which rows are in sight, and whether the end is followed: until somebody scrolls up. */
function useTail(box: RefObject<HTMLDivElement | null>, count: number) {
  const [at, setAt] = useState({ top: 0, height: 400 });
  const [follows, setFollows] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: more lines scroll it
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [count, follows]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      setAt({ top: element.scrollTop, height: element.clientHeight });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    setAt({ top: element.scrollTop, height: element.clientHeight });
    setFollows(element.scrollHeight - element.scrollTop - element.clientHeight < ROW_PX * 2);
  };
  // While the end is followed, what is in sight is known before the browser has scrolled there.
  const top = follows ? Math.max(0, count * ROW_PX - at.height) : at.top;
  return { range: windowOf(count, ROW_PX, top, at.height), follows, follow: () => setFollows(true), onScroll };
}

function Toolbar({
  filter,
  onFilter,
  shown,
  selected,
  names,
  execution,
}: {
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
  shown: readonly LogLine[];
  selected: string | null;
  names: ReadonlyMap<string, string>;
  execution: Execution;
}) {
  const { t } = useTranslation("runs");
  const node = filter.node ?? selected;
  const save = () => saveFile(`execution-${execution.id}.log`, new Blob([asText(shown)], { type: "text/plain" }));
  const field = "h-7 rounded-md border border-line bg-surface px-2 text-xs";
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 px-3 py-1.5">
      <select
        aria-label={t("log.level")}
        value={filter.level}
        onChange={(event) => onFilter({ ...filter, level: event.target.value as LogFilter["level"] })}
        className={field}
      >
        {LEVELS.map((level) => (
          <option key={level} value={level}>
            {t(`log.levels.${level}`)}
          </option>
        ))}
      </select>
      <input
        type="search"
        aria-label={t("log.search")}
        placeholder={t("log.search")}
        value={filter.text}
        onChange={(event) => onFilter({ ...filter, text: event.target.value })}
        className={cx(field, "w-44")}
      />
      {node !== null && (
        <Button
          small
          aria-pressed={filter.node !== null}
          onClick={() => onFilter({ ...filter, node: filter.node === null ? node : null })}
          className={cx(filter.node !== null && "border-accent text-accent")}
        >
          {t("log.onlyNode", { node: names.get(node) ?? node })}
        </Button>
      )}
      <span className="ml-auto text-xs text-soft tabular-nums">{t("log.count", { count: shown.length })}</span>
      <IconButton small label={t("log.save")} disabled={shown.length === 0} onClick={save}>
        <Download size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
