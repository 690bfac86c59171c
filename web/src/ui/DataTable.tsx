import { ArrowDown, ArrowUp, ChevronLeft, ChevronRight, ChevronsUpDown } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "./Button";
import { cx } from "./cx";
import { inOrder, nextOrder, type Order, pageOf, type Slice, type Sortable } from "./table/rows";

export type Column<Row> = {
  id: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** What the rows are sorted by; without it the column cannot be sorted. */
  sort?: (row: Row) => Sortable;
  align?: "left" | "right";
  className?: string;
};

type Props<Row> = {
  /** What the table holds, for screen readers. */
  caption: string;
  rows: readonly Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  /** Opens a row: by a click, or by Enter on it. Arrows go from row to row. */
  onOpen?: (row: Row) => void;
  initialOrder?: Order;
  pageSize?: number;
  /** Stands in place of the table when there are no rows. */
  empty?: ReactNode;
  rowClassName?: (row: Row) => string | undefined;
  /** More rows the server has: a button under the table asks for them. */
  more?: { load: () => void; loading: boolean } | null;
  dense?: boolean;
};

/** A table: sorted by its heads, a page at a time, all by keyboard. */
export function DataTable<Row>({ rows, columns, initialOrder, pageSize = 50, empty, ...rest }: Props<Row>) {
  const [order, setOrder] = useState<Order | null>(initialOrder ?? null);
  const [page, setPage] = useState(0);
  const sorted = useMemo(() => {
    const key = columns.find((column) => column.id === order?.column)?.sort;
    return order && key ? inOrder(rows, key, order.direction) : [...rows];
  }, [rows, columns, order]);
  const slice = pageOf(sorted, page, pageSize);
  if (rows.length === 0 && empty) return <>{empty}</>;
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <section
        aria-label={rest.caption}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        className="overflow-x-auto rounded-lg border border-line bg-surface"
      >
        <table className="w-full border-collapse text-left">
          <caption className="sr-only">{rest.caption}</caption>
          <Head columns={columns} order={order} onOrder={setOrder} dense={rest.dense ?? false} />
          <Body columns={columns} slice={slice} {...rest} />
        </table>
      </section>
      <Foot slice={slice} total={rows.length} onPage={setPage} more={rest.more ?? null} />
    </div>
  );
}

function Head<Row>({
  columns,
  order,
  onOrder,
  dense,
}: {
  columns: Column<Row>[];
  order: Order | null;
  onOrder: (order: Order | null) => void;
  dense: boolean;
}) {
  return (
    <thead className="sticky top-0 z-10 bg-surface">
      <tr className="border-b border-line">
        {columns.map(({ id, header, sort, align }) => {
          const now = order?.column === id ? order.direction : undefined;
          const Arrow = now === "ascending" ? ArrowUp : now === "descending" ? ArrowDown : ChevronsUpDown;
          return (
            <th
              key={id}
              scope="col"
              aria-sort={sort ? (now ?? "none") : undefined}
              className={cx(
                "text-xs font-medium whitespace-nowrap text-soft",
                dense ? "px-2 py-1" : "px-3 py-2",
                align === "right" && "text-right",
              )}
            >
              {sort ? (
                <button
                  type="button"
                  onClick={() => onOrder(nextOrder(order, id))}
                  className={cx(
                    "inline-flex items-center gap-1 rounded hover:text-ink",
                    align === "right" && "flex-row-reverse",
                    now && "text-ink",
                  )}
                >
                  {header}
                  <Arrow size={12} aria-hidden className={cx("shrink-0", !now && "opacity-50")} />
                </button>
              ) : (
                header
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

const NEXT: Record<string, (row: Element) => Element | null | undefined> = {
  ArrowDown: (row) => row.nextElementSibling,
  ArrowUp: (row) => row.previousElementSibling,
  Home: (row) => row.parentElement?.firstElementChild,
  End: (row) => row.parentElement?.lastElementChild,
};

function Body<Row>({
  columns,
  slice,
  rowKey,
  onOpen,
  rowClassName,
  dense,
}: Pick<Props<Row>, "columns" | "rowKey" | "onOpen" | "rowClassName" | "dense"> & { slice: Slice<Row> }) {
  const press = (event: KeyboardEvent<HTMLTableRowElement>, row: Row) => {
    if (event.target !== event.currentTarget) return; // a button in the row has its own keys
    if (event.key === "Enter") onOpen?.(row);
    const next = NEXT[event.key]?.(event.currentTarget);
    if (next instanceof HTMLElement) {
      event.preventDefault();
      next.focus();
    }
  };
  return (
    <tbody>
      {slice.rows.map((row) => (
        <tr
          key={rowKey(row)}
          className={cx(
            "border-b border-line last:border-0",
            onOpen && "cursor-pointer hover:bg-sunken focus-visible:-outline-offset-2",
            rowClassName?.(row),
          )}
          {...(onOpen && {
            tabIndex: 0,
            onClick: (event) => {
              if (!(event.target as Element).closest("a,button,input,label,select")) onOpen(row);
            },
            onKeyDown: (event) => press(event, row),
          })}
        >
          {columns.map(({ id, cell, align, className }) => (
            <td
              key={id}
              className={cx(
                dense ? "px-2 py-1" : "px-3 py-2",
                align === "right" && "text-right tabular-nums",
                className,
              )}
            >
              {cell(row)}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Foot<Row>({
  slice,
  total,
  onPage,
  more,
}: {
  slice: Slice<Row>;
  total: number;
  onPage: (page: number) => void;
  more: Props<Row>["more"];
}) {
  const { t } = useTranslation("table");
  if (slice.pages === 1 && !more) return null;
  return (
    <div className="flex flex-wrap items-center justify-end gap-2 text-soft">
      <span role="status" className="tabular-nums">
        {t(more ? "rangeOpen" : "range", { from: slice.from, to: slice.to, total })}
      </span>
      {slice.pages > 1 && (
        <>
          <IconButton small label={t("previous")} disabled={slice.page === 0} onClick={() => onPage(slice.page - 1)}>
            <ChevronLeft size={16} aria-hidden />
          </IconButton>
          <IconButton
            small
            label={t("next")}
            disabled={slice.page === slice.pages - 1}
            onClick={() => onPage(slice.page + 1)}
          >
            <ChevronRight size={16} aria-hidden />
          </IconButton>
        </>
      )}
      {more && (
        <Button small disabled={more.loading} onClick={more.load}>
          {t(more.loading ? "loading" : "more")}
        </Button>
      )}
    </div>
  );
}
