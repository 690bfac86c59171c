import { ChevronRight, Table2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { size } from "./figures";
import type { Table } from "./queries";

/** The tables and their columns. A click on a table opens it, one on a column brings it into the query. */
export function Schema({
  tables,
  chosen,
  onTable,
  onColumn,
}: {
  tables: Table[];
  chosen: string;
  onTable: (table: Table) => void;
  onColumn: (table: Table, column: string) => void;
}) {
  const { t } = useTranslation("data");
  return (
    <nav aria-label={t("schema.label")} className="flex flex-col gap-0.5">
      {tables.map((table) => (
        <Entry
          key={table.name}
          table={table}
          here={table.name === chosen}
          onTable={() => onTable(table)}
          onColumn={(column) => onColumn(table, column)}
        />
      ))}
    </nav>
  );
}

function Entry({
  table,
  here,
  onTable,
  onColumn,
}: {
  table: Table;
  here: boolean;
  onTable: () => void;
  onColumn: (column: string) => void;
}) {
  const { t } = useTranslation("data");
  const [open, setOpen] = useState(here);
  const more = table.rows >= table.counted_to;
  return (
    <div>
      <div className={cx("flex items-center rounded-md", here ? "bg-accent-soft text-accent" : "hover:bg-sunken")}>
        <button
          type="button"
          aria-expanded={open}
          aria-label={t("schema.columns", { table: table.name })}
          onClick={() => setOpen(!open)}
          className="grid h-8 w-6 shrink-0 place-items-center rounded"
        >
          <ChevronRight size={14} aria-hidden className={cx("transition-transform", open && "rotate-90")} />
        </button>
        <button
          type="button"
          aria-current={here ? "true" : undefined}
          onClick={onTable}
          className="flex min-w-0 flex-1 items-center gap-1.5 rounded py-1.5 pr-2 text-left"
        >
          <Table2 size={14} aria-hidden className="shrink-0" />
          <span className="min-w-0 flex-1 truncate font-medium">{table.name}</span>
          <span className="text-xs tabular-nums" title={size(table.bytes)}>
            {t(more ? "schema.rowsOrMore" : "schema.rows", { count: table.rows })}
          </span>
        </button>
      </div>
      {open && (
        <ul className="my-0.5 ml-3 border-l border-line pl-2">
          {table.columns.map((column) => (
            <li key={column.name}>
              <button
                type="button"
                onClick={() => onColumn(column.name)}
                title={t("schema.use", { column: column.name })}
                className="flex w-full items-baseline justify-between gap-2 rounded px-1.5 py-0.5 text-left text-xs hover:bg-sunken"
              >
                <span className={cx("truncate font-mono", !column.own && "text-soft")}>{column.name}</span>
                <span className="text-soft">{t(`kind.${column.type.replaceAll(" ", "_")}`, column.type)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
