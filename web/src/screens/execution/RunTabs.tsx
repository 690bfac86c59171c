import { Tabs } from "radix-ui";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Execution } from "@/live/run-record";
import { useRun } from "@/live/use-run";
import { LogPane } from "./LogPane";
import { NodeTable } from "./NodeTable";
import { Timeline } from "./Timeline";
import { TradesPane } from "./TradesPane";
import { WhyNoTrade } from "./WhyNoTrade";

const TABS = ["log", "timeline", "nodes", "trades", "why"] as const;
type Tab = (typeof TABS)[number];
type Props = { execution: Execution; selected: string | null; onSelect: (node: string | null) => void };

export function RunTabs({ execution, selected, onSelect }: Props) {
  const { t } = useTranslation("runs");
  const [tab, setTab] = useState<Tab>("log");
  const panes: Record<Tab, ReactNode> = {
    log: <LogPane execution={execution} selected={selected} onSelect={onSelect} />,
    timeline: <Timeline execution={execution} selected={selected} onSelect={onSelect} />,
    nodes: <NodeTable onSelect={onSelect} />,
    trades: <TradesPane execution={execution} onWhy={() => setTab("why")} />,
    why: <WhyNoTrade execution={execution} onSelect={onSelect} />,
  };
  return (
    <Tabs.Root
      value={tab}
      onValueChange={(now) => setTab(now as Tab)}
      className="flex min-h-0 flex-[45] flex-col bg-surface max-md:min-h-96 max-md:flex-none"
    >
      <Tabs.List
        aria-label={t("tabs.label")}
        className="flex shrink-0 gap-1 overflow-x-auto border-b border-line px-3 max-md:sticky max-md:top-0"
      >
        {TABS.map((each) => (
          <Tabs.Trigger
            key={each}
            value={each}
            className="-mb-px flex items-center focus-visible:-outline-offset-2 gap-1.5 border-b-2 border-transparent px-2.5 py-2 font-medium whitespace-nowrap text-soft hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
          >
            {t(`tabs.${each}`)}
            <Count tab={each} execution={execution} />
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {TABS.map((each) => (
        <Tabs.Content key={each} value={each} className="min-h-0 flex-1 overflow-auto max-md:h-96">
          {panes[each]}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}

function Count({ tab, execution }: { tab: Tab; execution: Execution }) {
  const lines = useRun((view) => (tab === "log" ? view.lines.length : 0));
  const count = tab === "log" ? lines : tab === "trades" ? (execution.orders?.length ?? 0) : 0;
  if (count === 0) return null;
  return <span className="rounded-full bg-sunken px-1.5 text-xs tabular-nums">{count}</span>;
}
