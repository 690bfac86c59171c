// A query drawn with menus, and the SQL it means. Names come from the list of tables; values travel as parameters.

const OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "contains", "starts_with", "is_null", "is_not_null"] as const;
export type Operator = (typeof OPERATORS)[number];
export const FUNCTIONS = ["count", "sum", "avg", "min", "max"] as const;
export type Fn = (typeof FUNCTIONS)[number];
export const BUCKETS = ["hour", "day", "week", "month"] as const;
export type Bucket = (typeof BUCKETS)[number];

export type Filter = { id: number; column: string; operator: Operator; value: string };
/** `column` is empty for a count of rows. */
export type Figure = { id: number; fn: Fn; column: string };
export type Drawn = {
  table: string;
  /** Which columns are shown; none means all. Groups show their own. */
  columns: string[];
  filters: Filter[];
  group: string;
  /** How times of the group are put together. */
  bucket: Bucket;
  figures: Figure[];
  order: string;
  descending: boolean;
  limit: number;
};

/** The columns' PostgreSQL types by name. */
export type Kinds = Record<string, string>;

export const isTime = (kind: string | undefined): boolean => kind === "timestamp with time zone";
export const isNumber = (kind: string | undefined): boolean =>
  kind === "bigint" || kind === "double precision" || kind === "numeric" || kind === "integer";
const isText = (kind: string | undefined): boolean => kind === "text";

export const drawnOf = (table: string): Drawn => ({
  table,
  columns: [],
  filters: [],
  group: "",
  bucket: "day",
  figures: [],
  order: "id",
  descending: true,
  limit: 100,
});

/** What was drawn, where the table it was drawn of is this one: columns of another mean nothing here. */
export const drawnFor = (table: string, drawn: Drawn): Drawn => (drawn.table === table ? drawn : drawnOf(table));

type Numbered = { id: number };
export const added = <T extends Numbered>(all: readonly T[], one: Omit<T, "id">): T[] => [
  ...all,
  { ...one, id: Math.max(0, ...all.map(({ id }) => id)) + 1 } as T,
];
export const changed = <T extends Numbered>(all: readonly T[], id: number, change: Partial<T>): T[] =>
  all.map((each) => (each.id === id ? { ...each, ...change } : each));
export const without = <T extends Numbered>(all: readonly T[], id: number): T[] => all.filter((each) => each.id !== id);

/** What may be asked of a column of this type. */
export function operatorsFor(kind: string | undefined): Operator[] {
  return OPERATORS.filter((each) => {
    if (each === "contains" || each === "starts_with") return isText(kind);
    if (kind === "jsonb") return each === "is_null" || each === "is_not_null";
    if (kind === "boolean") return !["<", "<=", ">", ">="].includes(each);
    return true;
  });
}

export const takesValue = (operator: Operator): boolean => operator !== "is_null" && operator !== "is_not_null";

/** A filter's text as the column's own kind. What is no number stays text: the server says what is wrong with it. */
export function filterValue(text: string, kind: string | undefined): unknown {
  if (isNumber(kind)) return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

// PostgreSQL's reserved words: a column may be called so, and must be quoted then.
const RESERVED = new Set(
  (
    "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create " +
    "current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else " +
    "end except false fetch for foreign from grant group having in initially intersect into lateral leading limit " +
    "localtime localtimestamp not null offset on only or order placing primary references returning select " +
    "session_user some symmetric table then to trailing true union unique user using variadic when where window with"
  ).split(" "),
);
const quoted = (name: string): string => (RESERVED.has(name) ? `"${name}"` : name);

export type Sql = { sql: string; parameters: Record<string, unknown> };

export function sqlOf(drawn: Drawn, kinds: Kinds): Sql {
  const parameters: Record<string, unknown> = {};
  const conditions = drawn.filters
    .filter((filter) => filter.column !== "")
    .map((filter, index) => {
      const name = `value_${index + 1}`;
      if (takesValue(filter.operator)) parameters[name] = filterValue(filter.value, kinds[filter.column]);
      return conditionOf(filter, name);
    });
  const shown = shownOf(drawn, kinds);
  const order = orderOf(drawn, shown);
  return {
    sql: [
      `SELECT ${shown.map((each) => each.text).join(", ") || "*"}`,
      `FROM ${quoted(drawn.table)}`,
      conditions.length ? `WHERE ${conditions.join("\n  AND ")}` : "",
      drawn.group ? "GROUP BY 1" : "",
      order ? `ORDER BY ${order}${drawn.descending ? " DESC" : ""} NULLS LAST` : "",
      `LIMIT ${drawn.limit}`,
    ]
      .filter(Boolean)
      .join("\n"),
    parameters,
  };
}

function conditionOf({ column: plain, operator }: Filter, name: string): string {
  const column = quoted(plain);
  switch (operator) {
    case "is_null":
      return `${column} IS NULL`;
    case "is_not_null":
      return `${column} IS NOT NULL`;
    case "contains":
      return `strpos(${column}, :${name}) > 0`;
    case "starts_with":
      return `starts_with(${column}, :${name})`;
    case "!=":
      return `${column} IS DISTINCT FROM :${name}`;
    default:
      return `${column} ${operator} :${name}`;
  }
}

type Shown = { name: string; text: string };

function shownOf({ group, bucket, figures, columns }: Drawn, kinds: Kinds): Shown[] {
  if (!group && !figures.length) return columns.map((name) => ({ name, text: quoted(name) }));
  const first: Shown[] = !group
    ? []
    : [
        {
          name: group,
          text: isTime(kinds[group]) ? `date_trunc('${bucket}', ${quoted(group)}) AS ${quoted(group)}` : quoted(group),
        },
      ];
  return [...first, ...figures.map(figureOf)];
}

export const nameOf = ({ fn, column }: Figure): string => (column ? `${fn}_${column}` : "rows");

function figureOf(figure: Figure): Shown {
  const name = nameOf(figure);
  return { name, text: `${figure.fn}(${figure.column ? quoted(figure.column) : "*"}) AS ${name}` };
}

/** Names a result can be sorted by: what it shows, or any column where rows are shown as they are. */
export function sortable(drawn: Drawn, kinds: Kinds): string[] {
  if (drawn.group || drawn.figures.length) return shownOf(drawn, kinds).map((each) => each.name);
  return Object.keys(kinds);
}

function orderOf(drawn: Drawn, shown: Shown[]): string {
  if (!drawn.order) return "";
  const summed = drawn.group !== "" || drawn.figures.length > 0;
  if (!summed) return quoted(drawn.order);
  const place = shown.findIndex((each) => each.name === drawn.order);
  // By its place: a group's name means the column in ORDER BY, not what was made of it.
  return place < 0 ? "" : String(place + 1);
}
