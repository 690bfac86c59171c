import { infiniteQueryOptions, useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api, type Schemas, told } from "@/api/client";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { moment, number } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Profit } from "@/ui/Profit";
import { saveFile } from "@/ui/save";
import type { Account } from "./queries";

type Trade = Schemas["Trade"];
const PAGE = 100;

const tradesQuery = (account: string) =>
  infiniteQueryOptions({
    queryKey: ["trades", account],
    queryFn: ({ pageParam }) =>
      told(api.GET("/api/agentic/trades", { params: { query: { account, limit: PAGE, offset: pageParam } } })),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const read = pages.reduce((sum, page) => sum + page.items.length, 0);
      return read < last.total && last.items.length > 0 ? read : null;
    },
    refetchInterval: 10_000,
  });

/** The account's closed trades, and the same as a file. */
export function Trades({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const trades = useInfiniteQuery(tradesQuery(account.name));
  const columns = useColumns();
  const csv = useMutation({
    mutationFn: () =>
      told(
        api.GET("/api/agentic/trades/export", { params: { query: { account: account.name } }, parseAs: "blob" }),
      ) as Promise<unknown> as Promise<Blob>,
    onSuccess: (file) => saveFile(`trades-${account.name}.csv`, file),
  });
  const rows = trades.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center justify-between gap-2">
        <h2>{t("trades.title")}</h2>
        {rows.length > 0 && (
          <Button small disabled={csv.isPending} onClick={() => csv.mutate()}>
            <Download size={14} aria-hidden />
            {t("trades.csv")}
          </Button>
        )}
      </div>
      <Failure error={trades.error ?? csv.error} />
      {trades.data && (
        <DataTable
          caption={t("trades.title")}
          rows={rows}
          columns={columns}
          rowKey={(trade) => `${trade.replay} ${trade.deal}`}
          empty={<Empty title={t("trades.empty")}>{t("trades.emptyLead")}</Empty>}
          more={
            trades.hasNextPage ? { load: () => void trades.fetchNextPage(), loading: trades.isFetchingNextPage } : null
          }
        />
      )}
    </div>
  );
}

function useColumns(): Column<Trade>[] {
  const { t } = useTranslation("accounts");
  return [
    {
      id: "closed",
      header: t("trades.closed"),
      cell: (trade) => moment(trade.closed_at),
      sort: (trade) => trade.closed_at,
    },
    { id: "symbol", header: t("trades.symbol"), cell: (trade) => trade.symbol, sort: (trade) => trade.symbol },
    { id: "side", header: t("trades.side"), cell: (trade) => t(`positions.${trade.side}`) },
    {
      id: "volume",
      header: t("trades.volume"),
      align: "right",
      cell: (trade) => number(trade.volume),
      sort: (trade) => trade.volume,
    },
    { id: "entry", header: t("trades.entry"), align: "right", cell: (trade) => trade.price_open ?? "–" },
    { id: "exit", header: t("trades.exit"), align: "right", cell: (trade) => trade.price_close },
    {
      id: "how",
      header: t("trades.how"),
      cell: (trade) => t(`trades.reason.${trade.reason}`),
      sort: (trade) => trade.reason,
    },
    {
      id: "r",
      header: t("trades.r"),
      align: "right",
      cell: (trade) => (trade.r_multiple === null ? "–" : number(trade.r_multiple)),
      sort: (trade) => trade.r_multiple,
    },
    {
      id: "net",
      header: t("trades.net"),
      align: "right",
      cell: (trade) => <Profit amount={trade.net} currency={trade.currency} className="font-medium" />,
      sort: (trade) => trade.net,
    },
    {
      id: "workflow",
      header: t("trades.workflow"),
      cell: (trade) =>
        trade.execution_id ? (
          <Link href={`/executions/${trade.execution_id}`} className="text-accent hover:underline">
            {trade.workflow_name ?? trade.workflow_id}
          </Link>
        ) : (
          (trade.workflow_name ?? t("trades.manual"))
        ),
    },
  ];
}
