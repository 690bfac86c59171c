import { useState } from "react";
import { useTranslation } from "react-i18next";
import { carry, referenceTo } from "@/forms/insert";
import { cx } from "@/ui/cx";
import { type Branch, shown, tableOf } from "./data";
import { SchemaTree } from "./SchemaTree";

export type View = "schema" | "table" | "json" | "chart";

/** One way to look at data, out of several. */
export function Views({
  views,
  view,
  onChange,
  label,
}: {
  views: View[];
  view: View;
  onChange: (view: View) => void;
  label: string;
}) {
  const { t } = useTranslation("panel");
  return (
    <fieldset aria-label={label} className="inline-flex rounded-md bg-sunken p-0.5">
      {views.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === view}
          onClick={() => onChange(each)}
          className={cx(
            "h-6 rounded-[5px] px-2 text-xs",
            each === view ? "bg-surface font-medium text-ink shadow-sm" : "text-soft hover:text-ink",
          )}
        >
          {t(`view.${each}`)}
        </button>
      ))}
    </fieldset>
  );
}

/** A value as fields, as a table or as JSON. `source` is how expressions name it. */
export function Shown({
  view,
  value,
  source,
  branches,
  mapped,
}: {
  view: View;
  value: unknown;
  source: string;
  branches: Branch[];
  mapped: boolean;
}) {
  const { t } = useTranslation("panel");
  if (view === "json") return <Json value={value} />;
  if (view === "table") return <AsTable value={value} source={source} mapped={mapped} />;
  if (branches.length === 0)
    return <p className="px-1 text-xs text-soft">{typeof value === "object" ? t("data.empty") : shown(value)}</p>;
  return <SchemaTree branches={branches} mapped={mapped} />;
}

const MOST = 60_000;

function Json({ value }: { value: unknown }) {
  const { t } = useTranslation("panel");
  const [whole, setWhole] = useState(false);
  const text = JSON.stringify(value, null, 2) ?? "";
  const cut = text.length > MOST && !whole;
  return (
    <>
      <pre className="rounded-md bg-sunken p-2.5 font-mono text-xs leading-relaxed break-words whitespace-pre-wrap">
        {cut ? text.slice(0, MOST) : text}
      </pre>
      {cut && (
        <button type="button" onClick={() => setWhole(true)} className="mt-1 text-xs text-accent underline">
          {t("data.whole", { size: Math.round(text.length / 1_000) })}
        </button>
      )}
    </>
  );
}

function AsTable({ value, source, mapped }: { value: unknown; source: string; mapped: boolean }) {
  const { t } = useTranslation("panel");
  const table = tableOf(value, source);
  const cell = (each: unknown, from: string) => (
    <td
      key={from}
      draggable={mapped}
      title={from}
      onDragStart={(event) => carry(event.dataTransfer, { source: from, label: from })}
      className={cx("max-w-60 truncate border-b border-line px-2 py-1", mapped && "cursor-grab hover:bg-accent-soft")}
    >
      {each === undefined ? "" : shown(each)}
    </td>
  );
  return (
    <div className="overflow-x-auto rounded-md border border-line bg-surface">
      <table className="w-full text-left text-xs tabular-nums">
        <thead>
          <tr className="text-soft">
            {(table.columns.length > 0 ? table.columns : [t("table.field"), t("table.value")]).map((column) => (
              <th key={column} scope="col" className="border-b border-line bg-sunken px-2 py-1 font-medium">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr key={row.key}>
              {table.columns.length === 0 && (
                <th scope="row" className="border-b border-line px-2 py-1 font-medium">
                  {row.key}
                </th>
              )}
              {row.cells.map((each, index) => {
                const column = table.columns[index];
                return cell(each, column === undefined ? row.source : referenceTo(row.source, [column]));
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length < table.total && (
        <p className="px-2 py-1 text-xs text-soft">{t("table.more", { count: table.total - table.rows.length })}</p>
      )}
    </div>
  );
}
