import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Mode } from "@/app/Standing";
import { StateBadge } from "@/screens/accounts/looks";
import type { Account } from "@/screens/accounts/queries";
import { money } from "@/ui/format";
import { Card } from "@/ui/Page";

/** Every account's state, a step from its kill switch. */
export function Standings({ accounts }: { accounts: Account[] }) {
  const { t } = useTranslation("dashboard");
  return (
    <Card
      title={t("standing.title")}
      actions={
        <Link href="/accounts" className="text-accent hover:underline">
          {t("accounts:kill.title")}
        </Link>
      }
    >
      <ul className="divide-y divide-line">
        {accounts.map((account) => (
          <li key={account.name} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
            <Link
              href={`/accounts/${encodeURIComponent(account.name)}`}
              className="min-w-0 flex-1 truncate font-medium hover:underline"
            >
              {account.name}
            </Link>
            <span className="tabular-nums">
              {account.equity == null ? "–" : money(account.equity, account.currency ?? "USD")}
            </span>
            <Mode mode={account.trade_mode} name={account.name} />
            <StateBadge state={account.state} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
