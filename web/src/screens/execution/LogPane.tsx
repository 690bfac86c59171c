import { Download } from "lucide-react";
import { memo, useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Execution } from "@/live/run-record";
import { hasEnded } from "@/live/run-watch";
import { useRun, useWatch } from "@/live/use-run";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { saveFile } from "@/ui/save";
import { LogDetail } from "./LogDetail";
import { LogList } from "./LogList";
import { asText, EVERYTHING, FilteredLog, LEVELS, type LogFilter } from "./log-filter";
import { useNames } from "./use-names";

type Props = { execution: Execution; selected: string | null; onSelect: (node: string | null) => void };

/** The log as it is written. */
export function LogPane({ execution, selected, onSelect }: Props) {
  const { t } = useTranslation("runs");
  const { id } = execution;
  const watch = useWatch();
  useRun((view) => view.linesVersion);
  const lines = useRun((view) => view.lines);
  const names = useNames(id);
  const [filter, setFilter] = useState<LogFilter>(EVERYTHING);
  const [filtered] = useState(() => new FilteredLog());
  const shown = filtered.of(lines, filter);
  const [open, setOpen] = useState<number | null>(null);
  const opened = open === null ? undefined : shown.find((line) => line.seq === open);
  const save = useCallback(() => {
    const text = asText(filtered.of(watch.view.lines, filter));
    saveFile(`execution-${id}.log`, new Blob([text], { type: "text/plain" }));
  }, [filtered, watch, filter, id]);
  const empty = t(lines.length > 0 ? "log.noMatch" : hasEnded(execution.status) ? "log.emptyEnded" : "log.empty");
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 px-3 py-1.5">
        <Filter filter={filter} onFilter={setFilter} selected={selected} names={names} />
        <span className="ml-auto text-xs text-soft tabular-nums">{t("log.count", { count: shown.length })}</span>
        <Save none={shown.length === 0} onSave={save} />
      </div>
      <LogList lines={shown} names={names} empty={empty} open={open} onOpen={setOpen} />
      {opened && <LogDetail id={id} line={opened} onShow={onSelect} onClose={() => setOpen(null)} />}
    </div>
  );
}

const Save = memo(function Save({ none, onSave }: { none: boolean; onSave: () => void }) {
  const { t } = useTranslation("runs");
  return (
    <IconButton small label={t("log.save")} disabled={none} onClick={onSave}>
      <Download size={14} aria-hidden />
    </IconButton>
  );
});

const Filter = memo(function Filter({
  filter,
  onFilter,
  selected,
  names,
}: {
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
  selected: string | null;
  names: ReadonlyMap<string, string>;
}) {
  const { t } = useTranslation("runs");
  const node = filter.node ?? selected;
  const field = "h-7 rounded-md border border-line bg-surface px-2 text-xs";
  return (
    <>
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
    </>
  );
});
