import { useQuery } from "@tanstack/react-query";
import { Play, RefreshCw } from "lucide-react";
import { Tabs } from "radix-ui";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Button, IconButton } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { Card, Page } from "@/ui/Page";
import { Answer } from "./Answer";
import { Builder } from "./Builder";
import { type Drawn, drawnFor, drawnOf, type Kinds, type Sql, sqlOf } from "./builder";
import { keep, useKept } from "./kept";
import { parametersOf } from "./parameters";
import { type Table, tablesQuery, useAsk } from "./queries";
import { Schema } from "./Schema";
import { SqlPanel } from "./SqlPanel";

export default function Data() {
  const { t } = useTranslation("data");
  const { data, error, refetch, isFetching } = useQuery(tablesQuery());
  const tables = data?.items ?? [];
  return (
    <Page
      title={t("title")}
      lead={t("lead")}
      actions={
        <IconButton label={t("refresh")} disabled={isFetching} onClick={() => refetch()}>
          <RefreshCw size={16} aria-hidden />
        </IconButton>
      }
    >
      <Failure error={error} />
      {data && tables.length === 0 && (
        <Empty
          title={t("empty.title")}
          action={
            <Link href="/templates" className="font-medium text-accent underline">
              {t("empty.action")}
            </Link>
          }
        >
          {t("empty.lead")}
        </Empty>
      )}
      {tables.length > 0 && <Desk tables={tables} />}
    </Page>
  );
}

const kindsOf = (table: Table | undefined): Kinds =>
  Object.fromEntries(table?.columns.map((column) => [column.name, column.type]) ?? []);
const TAB =
  "border-b-2 border-transparent px-3 py-1.5 text-soft data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-accent";

function Desk({ tables }: { tables: Table[] }) {
  const { t } = useTranslation("data");
  const { mode, sql, values, limit, ...kept } = useKept();
  const ask = useAsk();
  const table = tables.find((each) => each.name === kept.drawn.table) ?? tables[0];
  const kinds = kindsOf(table);
  const drawn = drawnFor(table?.name ?? "", kept.drawn);
  const meant = sqlOf(drawn, kinds);
  const draw = (change: Partial<Drawn>) => keep({ drawn: { ...drawn, ...change } });

  const run = () =>
    ask.mutate(
      mode === "builder" ? { ...meant, limit: drawn.limit } : { sql, parameters: parametersOf(sql, values), limit },
    );
  const open = (chosen: Table) => {
    const fresh = drawnOf(chosen.name);
    keep({ drawn: fresh, mode: "builder" });
    ask.mutate({ ...sqlOf(fresh, kindsOf(chosen)), limit: fresh.limit });
  };
  const use = (from: Table, column: string) => {
    if (mode === "sql") return keep({ sql: `${sql}${sql && !/\s$/.test(sql) ? " " : ""}${column}` });
    if (from.name !== table?.name) return keep({ drawn: { ...drawnOf(from.name), columns: [column] } });
    draw({ columns: drawn.columns.includes(column) ? drawn.columns : [...drawn.columns, column] });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once
  useEffect(() => {
    if (table && mode === "builder") run();
  }, []);

  return (
    <div className="grid items-start gap-4 lg:grid-cols-[15rem_minmax(0,1fr)]">
      <Card title={t("schema.title")} className="lg:sticky lg:top-4">
        <Schema tables={tables} chosen={table?.name ?? ""} onTable={open} onColumn={use} />
      </Card>
      <div className="flex min-w-0 flex-col gap-4">
        <section className="rounded-lg border border-line bg-surface">
          <Tabs.Root
            value={mode}
            onValueChange={(now) => (now === "sql" && !sql ? asSql(meant) : keep({ mode: now as "builder" | "sql" }))}
          >
            <Tabs.List aria-label={t("mode.label")} className="flex border-b border-line px-2">
              <Tabs.Trigger value="builder" className={TAB}>
                {t("mode.builder")}
              </Tabs.Trigger>
              <Tabs.Trigger value="sql" className={TAB}>
                {t("mode.sql")}
              </Tabs.Trigger>
            </Tabs.List>
            <Tabs.Content value="builder" className="flex flex-col gap-4 p-4">
              <Builder drawn={drawn} kinds={kinds} onChange={draw} />
              <Meant sql={meant.sql} parameters={meant.parameters} />
            </Tabs.Content>
            <Tabs.Content value="sql" className="p-4">
              <SqlPanel tables={tables} onRun={run} />
            </Tabs.Content>
          </Tabs.Root>
          <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2.5">
            <p className="text-xs text-soft">{t("readOnly")}</p>
            <Button tone="primary" disabled={ask.isPending || (mode === "sql" && !sql.trim())} onClick={run}>
              <Play size={15} aria-hidden />
              {t(ask.isPending ? "running" : "run")}
            </Button>
          </div>
        </section>
        <Failure error={ask.error} />
        {ask.data && !ask.error && <Answer result={ask.data} />}
      </div>
    </div>
  );
}

/** Goes on in SQL with what the menus mean. */
function asSql({ sql, parameters }: Sql): void {
  const told = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const values = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, told(value)]));
  keep({ mode: "sql", sql, values });
}

/** The SQL that the menus mean, to learn from and to go on with. */
function Meant({ sql, parameters }: Sql) {
  const { t } = useTranslation("data");
  return (
    <details className="rounded-md border border-line">
      <summary className="cursor-pointer px-3 py-1.5 text-xs text-soft">{t("meant.title")}</summary>
      <div className="flex items-start justify-between gap-3 px-3 pb-3">
        <pre className="min-w-0 overflow-x-auto font-mono text-xs whitespace-pre-wrap">{sql}</pre>
        <Button small onClick={() => asSql({ sql, parameters })}>
          {t("meant.edit")}
        </Button>
      </div>
    </details>
  );
}
