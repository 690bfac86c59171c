import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { money, number, percent } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { Profit } from "@/ui/Profit";
import { ranked, type Sum, shortVersion } from "./figures";
import { versionsQuery } from "./queries";
import { Spark } from "./Spark";

type Props = {
  account: string;
  since: string | null;
  replay: string;
  workflow: string | null;
  onWorkflow: (workflow: string | null) => void;
};

/** What made the result: each version of each workflow, the best first. A row narrows the curve above to its workflow. */
export function ByVersion({ account, since, replay, workflow, onWorkflow }: Props) {
  const { t } = useTranslation("dashboard");
  const { data, error } = useQuery(versionsQuery({ account, since }));
  const sums = ranked((data?.items ?? []).filter((sum) => sum.account === account && sum.replay === replay));
  const columns = useColumns();
  const name = sums.find((sum) => sum.workflow_id === workflow)?.workflow_name;
  if (!error && sums.length === 0) return null;
  return (
    <Card
      title={t("by.title")}
      actions={
        workflow && (
          <Button small onClick={() => onWorkflow(null)}>
            <X size={14} aria-hidden />
            {t("by.chosen", { name: name ?? workflow })}
          </Button>
        )
      }
    >
      <Failure error={error} />
      <DataTable
        dense
        caption={t("by.title")}
        rows={sums}
        columns={columns}
        rowKey={(sum) => `${sum.workflow_id} ${sum.version}`}
        onOpen={(sum) => onWorkflow(sum.workflow_id === workflow ? null : sum.workflow_id)}
        rowClassName={(sum) => (workflow !== null && sum.workflow_id === workflow ? "bg-accent-soft" : undefined)}
        pageSize={20}
      />
    </Card>
  );
}

function useColumns(): Column<Sum>[] {
  const { t } = useTranslation("dashboard");
  const nameOf = (sum: Sum) => sum.workflow_name ?? sum.workflow_id ?? t("by.manual");
  return [
    {
      id: "workflow",
      header: t("by.workflow"),
      sort: nameOf,
      cell: (sum) =>
        sum.workflow_id === null ? (
          <span className="text-soft">{nameOf(sum)}</span>
        ) : (
          <Link href={`/workflows/${sum.workflow_id}`} className="font-medium text-accent hover:underline">
            {nameOf(sum)}
          </Link>
        ),
    },
    {
      id: "version",
      header: t("by.version"),
      cell: (sum) => <code className="text-xs">{shortVersion(sum.version)}</code>,
    },
    {
      id: "curve",
      header: t("by.curve"),
      cell: (sum) => (
        <Spark
          label={t("by.curveOf", { name: nameOf(sum) })}
          values={[0, ...(sum.curve ?? []).map(({ net }) => net)]}
        />
      ),
    },
    { id: "trades", header: t("by.trades"), align: "right", cell: (sum) => sum.count, sort: (sum) => sum.count },
    {
      id: "won",
      header: t("by.won"),
      align: "right",
      cell: (sum) => (sum.win_rate === null ? t("none") : percent(sum.win_rate / 100)),
      sort: (sum) => sum.win_rate,
    },
    {
      id: "factor",
      header: t("by.factor"),
      align: "right",
      cell: (sum) => (sum.profit_factor === null ? t("none") : number(sum.profit_factor)),
      sort: (sum) => sum.profit_factor,
    },
    {
      id: "r",
      header: t("by.r"),
      align: "right",
      cell: (sum) => (sum.average_r === null ? t("none") : number(sum.average_r)),
      sort: (sum) => sum.average_r,
    },
    {
      id: "drawdown",
      header: t("by.drawdown"),
      align: "right",
      cell: (sum) => money(sum.max_drawdown, sum.currency),
      sort: (sum) => sum.max_drawdown,
    },
    {
      id: "net",
      header: t("by.net"),
      align: "right",
      cell: (sum) => <Profit amount={sum.net} currency={sum.currency} className="font-semibold" />,
      sort: (sum) => sum.net,
    },
  ];
}
