import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { SearchField } from "@/ui/SearchField";
import type { Show, Sort, View } from "./listing";

const SHOWS: Show[] = ["all", "active", "inactive", "failing"];
const SORTS: Sort[] = ["changed", "name", "run", "profit", "next"];

export function Filters({
  view,
  change,
  tags,
}: {
  view: View;
  change: (part: Partial<View>) => void;
  tags: [tag: string, count: number][];
}) {
  const { t } = useTranslation("workflows");
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <SearchField
        label={t("search")}
        value={view.search}
        onChange={(search) => change({ search })}
        className="min-w-56 flex-1 md:max-w-80"
      />
      <fieldset className="flex rounded-md border border-line bg-surface p-0.5">
        <legend className="sr-only">{t("show")}</legend>
        {SHOWS.map((show) => (
          <Choice key={show} on={view.show === show} press={() => change({ show })}>
            {t(`filter.${show}`)}
          </Choice>
        ))}
      </fieldset>
      <label className="flex items-center gap-2 text-soft md:ml-auto">
        {t("sort")}
        <select
          value={view.sort}
          onChange={(event) => change({ sort: event.target.value as Sort })}
          className="h-9 rounded-md border border-line bg-surface px-2 text-ink"
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {t(`sortBy.${sort}`)}
            </option>
          ))}
        </select>
      </label>
      {tags.length > 0 && (
        <fieldset className="flex w-full flex-wrap items-center gap-1.5">
          <legend className="sr-only">{t("tags")}</legend>
          {tags.map(([tag, count]) => (
            <TagChoice key={tag} tag={tag} count={count} view={view} change={change} />
          ))}
        </fieldset>
      )}
    </div>
  );
}

function Choice({ on, press, children }: { on: boolean; press: () => void; children: string }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={press}
      className={cx(
        "h-8 rounded px-2.5 text-sm",
        on ? "bg-accent-soft font-medium text-accent" : "text-soft hover:text-ink",
      )}
    >
      {children}
    </button>
  );
}

function TagChoice({
  tag,
  count,
  view,
  change,
}: {
  tag: string;
  count: number;
  view: View;
  change: (part: Partial<View>) => void;
}) {
  const on = view.tags.includes(tag);
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={() => change({ tags: on ? view.tags.filter((each) => each !== tag) : [...view.tags, tag] })}
      className={cx(
        "rounded-full border px-2.5 py-0.5 text-xs",
        on ? "border-accent bg-accent-soft text-accent" : "border-line bg-surface text-soft hover:text-ink",
      )}
    >
      #{tag} <span className="tabular-nums">{count}</span>
    </button>
  );
}
