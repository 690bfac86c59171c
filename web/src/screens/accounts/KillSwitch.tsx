import { Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Notice } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { FlattenProgress } from "./FlattenProgress";
import { KILL_MODES, KillDialog } from "./KillDialog";
import { Because, StateBadge } from "./looks";
import type { Account, KillMode } from "./queries";
import { ResumeDialog } from "./ResumeDialog";

/** How an account stands, who decided so, and the buttons that stop it or let it trade again. */
export function KillSwitch({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const [asked, setAsked] = useState<KillMode | "resume" | null>(null);
  const stopped = account.state !== "active";
  return (
    <Card
      title={t("kill.title")}
      actions={<StateBadge state={account.state} />}
      className={cx(
        "flex flex-col gap-3",
        account.state === "halted" && "border-bad",
        account.state === "reducing" && "border-warn",
      )}
    >
      <Why account={account} />
      {account.undelivered && <Notice tone="bad">{t("undelivered", { ...account.undelivered })}</Notice>}
      {account.flatten && stopped && <FlattenProgress flatten={account.flatten} />}
      <div className="grid grid-cols-3 gap-2">
        {KILL_MODES.map(({ mode, icon: Icon }) => (
          <Button
            key={mode}
            tone={mode === "flatten" ? "danger" : "plain"}
            onClick={() => setAsked(mode)}
            className="h-14 flex-col gap-0.5 px-1 text-xs whitespace-normal sm:text-sm"
          >
            <Icon size={17} aria-hidden />
            {t(`kill.${mode}`)}
          </Button>
        ))}
      </div>
      {stopped && (
        <Button tone="primary" className="h-11" onClick={() => setAsked("resume")}>
          <Play size={16} aria-hidden />
          {t("kill.resume")}
        </Button>
      )}
      {asked === "resume" && <ResumeDialog account={account} onClose={() => setAsked(null)} />}
      {asked !== null && asked !== "resume" && (
        <KillDialog account={account} first={asked} onClose={() => setAsked(null)} />
      )}
    </Card>
  );
}

function Why({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  return (
    <div>
      <p>{t(`stateMeans.${account.state ?? "unknown"}`)}</p>
      <Because account={account} className="mt-1" />
    </div>
  );
}
