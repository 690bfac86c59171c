import { useQuery } from "@tanstack/react-query";
import { ChevronRight, OctagonX, Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { accountsQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Empty } from "@/ui/Empty";
import { money } from "@/ui/format";
import { Failure, Notice } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { Profit } from "@/ui/Profit";
import { KillDialog } from "./KillDialog";
import { Because, ModeBand, StateBadge, Unavailable } from "./looks";
import { type Account, floatingOf } from "./queries";
import { ResumeDialog } from "./ResumeDialog";

/** All accounts, and the switches that stop one or all of them. */
export default function Accounts() {
  const { t } = useTranslation("accounts");
  const { data, error } = useQuery(accountsQuery());
  const [all, setAll] = useState(false);
  const accounts = data?.items ?? [];
  return (
    <Page
      title={t("title")}
      lead={t("lead")}
      actions={
        <Button tone="danger" className="max-sm:h-12 max-sm:w-full" onClick={() => setAll(true)}>
          <OctagonX size={17} aria-hidden />
          {t("kill.all")}
        </Button>
      }
    >
      <Failure error={error} />
      {data && accounts.length === 0 && <Empty title={t("none.title")}>{t("none.lead")}</Empty>}
      <ul className="grid gap-4 md:grid-cols-2">
        {accounts.map((account) => (
          <li key={account.name}>
            <AccountCard account={account} />
          </li>
        ))}
      </ul>
      {all && <KillDialog account={null} onClose={() => setAll(false)} />}
    </Page>
  );
}

function AccountCard({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const [asked, setAsked] = useState<"kill" | "resume" | null>(null);
  const address = `/accounts/${encodeURIComponent(account.name)}`;
  return (
    <article
      className={cx(
        "flex h-full flex-col gap-3 rounded-xl border bg-surface p-4",
        account.state === "halted" ? "border-bad" : account.state === "reducing" ? "border-warn" : "border-line",
      )}
    >
      <div className="flex items-center justify-between gap-2">
        <h2 className="min-w-0 truncate">
          <Link href={address} className="hover:underline" aria-label={t("open", { name: account.name })}>
            {account.name}
          </Link>
        </h2>
        <StateBadge state={account.state} />
      </div>
      <ModeBand mode={account.trade_mode} />
      <Unavailable account={account} />
      <Money account={account} />
      {account.state !== "active" && <Because account={account} />}
      {account.undelivered && <Notice tone="bad">{t("undelivered", { ...account.undelivered })}</Notice>}
      <div className="mt-auto flex flex-wrap gap-2 pt-1">
        <Button tone="danger" className="max-sm:h-12 max-sm:flex-1" onClick={() => setAsked("kill")}>
          <OctagonX size={16} aria-hidden />
          {t(account.state === "active" ? "kill.stop" : "kill.tighter", { name: account.name })}
        </Button>
        {account.state !== "active" && (
          <Button className="max-sm:h-12 max-sm:flex-1" onClick={() => setAsked("resume")}>
            <Play size={16} aria-hidden />
            {t("kill.resume")}
          </Button>
        )}
        <Link
          href={address}
          className="ml-auto inline-flex h-9 items-center gap-1 rounded-md px-2 font-medium text-accent hover:bg-sunken max-sm:h-12"
        >
          {t("open", { name: account.name })}
          <ChevronRight size={16} aria-hidden />
        </Link>
      </div>
      {asked === "kill" && (
        <KillDialog
          account={account}
          first={account.state === "active" ? "pause" : "flatten"}
          onClose={() => setAsked(null)}
        />
      )}
      {asked === "resume" && <ResumeDialog account={account} onClose={() => setAsked(null)} />}
    </article>
  );
}

function Money({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const currency = account.currency ?? "USD";
  const floating = floatingOf(account);
  if (account.equity == null || floating === null) return null;
  return (
    <dl className="grid grid-cols-3 gap-2">
      <div>
        <dt className="text-xs text-soft">{t("figures.equity")}</dt>
        <dd className="text-lg font-semibold tabular-nums">{money(account.equity, currency)}</dd>
      </div>
      <div>
        <dt className="text-xs text-soft">{t("figures.floating")}</dt>
        <dd className="text-lg tabular-nums">
          <Profit amount={floating} currency={currency} />
        </dd>
      </div>
      <div>
        <dt className="text-xs text-soft">{t("figures.positions")}</dt>
        <dd className="text-lg tabular-nums">{account.positions ?? "–"}</dd>
      </div>
    </dl>
  );
}
