import { useQuery } from "@tanstack/react-query";
import { ChevronLeft } from "lucide-react";
import { Tabs } from "radix-ui";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Badge } from "@/ui/Badge";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { Figures } from "./Figures";
import { KillSwitch } from "./KillSwitch";
import { LimitsForm } from "./LimitsForm";
import { ModeBand, Unavailable } from "./looks";
import { Positions } from "./Positions";
import { accountQuery, type Account as Detail, openQuestionsQuery } from "./queries";
import { Replay } from "./Replay";
import { Settle } from "./Settle";
import { Throttled } from "./Throttled";
import { Trades } from "./Trades";

/** One account: its switch and figures first, as on a phone; everything else in tabs under them. */
export default function Account({ params }: { params: Record<string, string> }) {
  const { t } = useTranslation("accounts");
  const name = decodeURIComponent(params.id ?? "");
  const { data, error } = useQuery(accountQuery(name));
  return (
    <Page
      title={name}
      actions={
        <Link href="/accounts" className="inline-flex items-center gap-1 text-accent hover:underline">
          <ChevronLeft size={15} aria-hidden />
          {t("back")}
        </Link>
      }
    >
      <Failure error={error} />
      {data && <Standing account={data} />}
    </Page>
  );
}

function Standing({ account }: { account: Detail }) {
  return (
    <>
      <ModeBand mode={account.trade_mode} />
      <Unavailable account={account} />
      <div className="grid items-start gap-4 lg:grid-cols-[22rem_1fr]">
        <KillSwitch account={account} />
        <div className="flex min-w-0 flex-col gap-4">
          <Figures account={account} />
          <Throttled account={account} />
        </div>
      </div>
      <Parts account={account} />
    </>
  );
}

function Parts({ account }: { account: Detail }) {
  const { t } = useTranslation("accounts");
  const questions = useQuery(openQuestionsQuery(account.name)).data?.items ?? [];
  const waiting = questions.filter((order) => order.state === "manual").length;
  return (
    <Tabs.Root defaultValue="positions" className="flex min-w-0 flex-col gap-4">
      <Tabs.List aria-label={t("tabs.label")} className="flex gap-1 overflow-x-auto border-b border-line">
        <Tab value="positions">{t("tabs.positions")}</Tab>
        <Tab value="settle">
          {t("tabs.settle")}
          {questions.length > 0 && <Badge tone={waiting > 0 ? "bad" : "warn"}>{questions.length}</Badge>}
        </Tab>
        <Tab value="limits">{t("tabs.limits")}</Tab>
        <Tab value="trades">{t("tabs.trades")}</Tab>
        {account.trade_mode === "paper" && <Tab value="replay">{t("tabs.replay")}</Tab>}
      </Tabs.List>
      <Tabs.Content value="positions">
        <Positions account={account} />
      </Tabs.Content>
      <Tabs.Content value="settle">
        <Settle orders={questions} />
      </Tabs.Content>
      <Tabs.Content value="limits">
        <LimitsForm account={account} />
      </Tabs.Content>
      <Tabs.Content value="trades">
        <Trades account={account} />
      </Tabs.Content>
      <Tabs.Content value="replay">
        <Replay account={account} />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function Tab({ value, children }: { value: string; children: ReactNode }) {
  return (
    <Tabs.Trigger
      value={value}
      className="-mb-px inline-flex h-10 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-3 font-medium text-soft hover:text-ink data-[state=active]:border-accent data-[state=active]:text-accent"
    >
      {children}
    </Tabs.Trigger>
  );
}
