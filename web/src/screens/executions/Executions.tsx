import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { GitCompare, ListChecks } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { api, told } from "@/api/client";
import { workflowsQuery } from "@/api/queries";
import { useRunNews } from "@/live/hooks";
import { Button } from "@/ui/Button";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { SelectField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { useColumns } from "./columns";
import { type Filters, NO_FILTERS, PERIODS, STATUSES, sinceOf } from "./filters";

const PAGE = 50;

/** Every run of every workflow: filtered, followed, opened, compared. */
export default function Executions() {
  const { t } = useTranslation("runs");
  const [, go] = useLocation();
  const [filters, setFilters] = useState(NO_FILTERS);
  const [chosen, choose] = useState<readonly string[]>([]);
  useRunNews("executions-list");
  const list = useExecutions(filters);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const toggle = useCallback(
    (id: string) =>
      choose((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id].slice(-2))),
    [],
  );
  const columns = useColumns(chosen, toggle);
  const filtered = filters !== NO_FILTERS;
  return (
    <Page title={t("title")} lead={t("list.lead")} actions={<Compare chosen={chosen} />}>
      <FilterBar filters={filters} onFilters={setFilters} />
      <Failure error={list.error} />
      {list.data && (
        <DataTable
          caption={t("title")}
          rows={rows}
          columns={columns}
          rowKey={(row) => row.id}
          onOpen={(row) => go(`/executions/${row.id}`)}
          pageSize={PAGE}
          more={list.hasNextPage ? { load: () => void list.fetchNextPage(), loading: list.isFetchingNextPage } : null}
          empty={filtered ? <NoMatch onClear={() => setFilters(NO_FILTERS)} /> : <NothingYet />}
        />
      )}
    </Page>
  );
}

function useExecutions({ status, workflow, period }: Filters) {
  return useInfiniteQuery({
    queryKey: ["executions-list", status, workflow, period],
    queryFn: ({ pageParam }) => {
      const since = sinceOf(period, Date.now());
      const query = { limit: PAGE, offset: pageParam, ...(status && { status }), ...(since && { since }) };
      return workflow
        ? told(api.GET("/api/agentic/workflows/{id}/executions", { params: { path: { id: workflow }, query } }))
        : told(api.GET("/api/agentic/executions", { params: { query } }));
    },
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const known = pages.reduce((sum, page) => sum + page.items.length, 0);
      return known < last.total && last.items.length > 0 ? known : undefined;
    },
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
}

function FilterBar({ filters, onFilters }: { filters: Filters; onFilters: (filters: Filters) => void }) {
  const { t } = useTranslation("runs");
  const { data: workflows } = useQuery(workflowsQuery());
  const set = (change: Partial<Filters>) => onFilters({ ...filters, ...change });
  return (
    <search className="flex flex-wrap gap-3">
      <SelectField
        label={t("status")}
        value={filters.status}
        onChange={(event) => set({ status: event.target.value as Filters["status"] })}
        className="w-44"
      >
        <option value="">{t("list.anyStatus")}</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {t(`app:status.${status}`)}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t("workflow")}
        value={filters.workflow}
        onChange={(event) => set({ workflow: event.target.value })}
        className="w-64 max-w-full"
      >
        <option value="">{t("list.anyWorkflow")}</option>
        {workflows?.items.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t("list.period")}
        value={filters.period}
        onChange={(event) => set({ period: event.target.value as Filters["period"] })}
        className="w-44"
      >
        {PERIODS.map((period) => (
          <option key={period} value={period}>
            {t(`list.periods.${period}`)}
          </option>
        ))}
      </SelectField>
    </search>
  );
}

function Compare({ chosen }: { chosen: readonly string[] }) {
  const { t } = useTranslation("runs");
  const [, go] = useLocation();
  if (chosen.length === 0) return null;
  return (
    <>
      <span role="status" className="text-soft">
        {t("list.chosen", { count: chosen.length })}
      </span>
      <Button
        tone="primary"
        disabled={chosen.length < 2}
        onClick={() => go(`/executions/${chosen[0]}/compare/${chosen[1]}`)}
      >
        <GitCompare size={15} aria-hidden />
        {t("list.compare")}
      </Button>
    </>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation("runs");
  return <Empty title={t("list.noMatch")} action={<Button onClick={onClear}>{t("list.clear")}</Button>} />;
}

function NothingYet() {
  const { t } = useTranslation("runs");
  const link = (
    <Link href="/workflows" className="inline-flex items-center gap-1.5 font-medium text-accent underline">
      <ListChecks size={15} aria-hidden />
      {t("list.toWorkflows")}
    </Link>
  );
  return (
    <Empty title={t("list.empty")} action={link}>
      {t("list.emptyLead")}
    </Empty>
  );
}
