import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { accountsQuery, healthQuery } from "@/api/queries";
import { useRunNews } from "@/live/hooks";
import type { Account } from "@/screens/accounts/queries";
import { TourOffer } from "@/tour/TourOffer";
import { moment } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { ByVersion } from "./ByVersion";
import { Choices } from "./Choices";
import { type Period, replaysOf, sinceOf } from "./figures";
import { totalQuery } from "./queries";
import { Result } from "./Result";
import { Runs } from "./Runs";
import { Standings } from "./Standings";

/** How the strategies do: one account's results over a time, what made them, and what ran. */
export default function Dashboard() {
  const { t } = useTranslation("dashboard");
  const { data, error } = useQuery(accountsQuery());
  const [chosen, setChosen] = useState<string | null>(null);
  const accounts = data?.items ?? [];
  const account = accounts.find(({ name }) => name === chosen) ?? accounts[0];
  useRunNews("trades", "executions", "accounts");
  if (account) return <OfAccount key={account.name} account={account} accounts={accounts} onAccount={setChosen} />;
  return (
    <Page title={t("title")}>
      <Failure error={error} />
    </Page>
  );
}

function OfAccount({
  account,
  accounts,
  onAccount,
}: {
  account: Account;
  accounts: Account[];
  onAccount: (name: string) => void;
}) {
  const { t } = useTranslation("dashboard");
  const [period, setPeriod] = useState<Period>("all");
  const [workflow, setWorkflow] = useState<string | null>(null);
  const [replay, setReplay] = useState<string | null>(null);
  const health = useQuery(healthQuery());
  const clock = health.data?.accounts.find(({ name }) => name === account.name)?.market_time ?? null;
  // Without the market's clock there is no "last seven days": everything is shown until it is known. By the minute,
  // so that a clock that runs does not ask anew each second.
  const since = clock ? sinceOf(period, `${clock.slice(0, 16)}:00Z`) : null;
  const whole = useQuery(totalQuery({ account: account.name, since: null, workflow: null }));
  const replays = replaysOf(whole.data?.items ?? [], account.name);
  const shown = replay ?? replays[0] ?? "";
  const total = useQuery(totalQuery({ account: account.name, since, workflow }));
  const sum = total.data?.items.find((item) => item.account === account.name && item.replay === shown);
  return (
    <Page
      title={t("title")}
      lead={clock ? t("until", { when: moment(clock) }) : null}
      actions={
        <Choices
          accounts={accounts.map(({ name }) => name)}
          account={account.name}
          onAccount={onAccount}
          replays={replays}
          replay={shown}
          onReplay={setReplay}
          period={period}
          onPeriod={setPeriod}
        />
      }
    >
      <TourOffer />
      <Failure error={total.error} />
      <Result account={account} sum={sum} loading={total.isLoading} />
      <ByVersion account={account.name} since={since} replay={shown} workflow={workflow} onWorkflow={setWorkflow} />
      <div className="grid items-start gap-4 lg:grid-cols-[3fr_2fr]">
        <Runs />
        <Standings accounts={accounts} />
      </div>
    </Page>
  );
}
