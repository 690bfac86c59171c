import { useQuery } from "@tanstack/react-query";
import { ArrowDownToLine, Pause, ShieldMinus } from "lucide-react";
import { RadioGroup } from "radix-ui";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { accountsQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure, Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { ModeBand } from "./looks";
import { type Account, type KillMode, useKill } from "./queries";
import { ReasonField } from "./ReasonField";

export const KILL_MODES = [
  { mode: "pause", icon: Pause },
  { mode: "reduce", icon: ShieldMinus },
  { mode: "flatten", icon: ArrowDownToLine },
] as const satisfies readonly { mode: KillMode; icon: typeof Pause }[];

/** Asks how far and why, then stops one account, or all of them for null. */
export function KillDialog({
  account,
  first = "pause",
  onClose,
}: {
  account: Account | null;
  first?: KillMode;
  onClose: () => void;
}) {
  const { t } = useTranslation("accounts");
  const [mode, setMode] = useState<KillMode>(first);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const kill = useKill(account?.name ?? null);

  function stop(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (reason.trim() === "") return;
    kill.mutate(
      { mode, reason: reason.trim() },
      {
        onSuccess: ({ stopped }) => {
          toast.done(
            account ? t("kill.done", { name: account.name, count: stopped }) : t("kill.doneAll", { count: stopped }),
          );
          onClose();
        },
      },
    );
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={account ? t("kill.stop", { name: account.name }) : t("kill.all")}
      description={
        <>
          {account ? <ModeBand mode={account.trade_mode} /> : <EveryMode />}
          <p>{t("kill.stays")}</p>
        </>
      }
    >
      <form onSubmit={stop} className="flex flex-col gap-4">
        <Modes mode={mode} onMode={setMode} />
        {mode === "flatten" && (account?.positions ?? 0) > 0 && (
          <Notice tone="warn">{t("kill.flattenWarns", { count: account?.positions ?? 0 })}</Notice>
        )}
        <div className="flex flex-col gap-2">
          <ReasonField reason={reason} tried={tried} onReason={setReason} />
          <QuickReasons onReason={setReason} />
        </div>
        <Failure error={kill.error} />
        <div className="sticky -bottom-5 -mx-5 -mb-5 flex flex-wrap justify-end gap-2 bg-raised px-5 pt-2 pb-5">
          <Button className="max-sm:h-12" onClick={onClose}>
            {t("app:cancel")}
          </Button>
          <Button type="submit" tone="danger" disabled={kill.isPending} className="max-sm:h-12 max-sm:flex-1">
            {t(`kill.confirm.${mode}`)}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Which accounts "all" are, and whose money is on each. */
function EveryMode() {
  const accounts = useQuery(accountsQuery()).data?.items ?? [];
  return (
    <ul className="grid grid-cols-[auto_1fr] items-center gap-x-3 gap-y-1.5">
      {accounts.map(({ name, trade_mode }) => (
        <li key={name} className="col-span-2 grid grid-cols-subgrid items-center">
          <span className="max-w-40 truncate font-medium text-ink">{name}</span>
          <ModeBand mode={trade_mode} />
        </li>
      ))}
    </ul>
  );
}

function Modes({ mode, onMode }: { mode: KillMode; onMode: (mode: KillMode) => void }) {
  const { t } = useTranslation("accounts");
  return (
    <RadioGroup.Root
      value={mode}
      onValueChange={(value) => onMode(value as KillMode)}
      aria-label={t("kill.how")}
      className="flex flex-col gap-2"
    >
      {KILL_MODES.map(({ mode: each, icon: Icon }) => (
        <RadioGroup.Item
          key={each}
          value={each}
          className="group flex items-start gap-3 rounded-lg border border-line p-3 text-left hover:bg-sunken data-[state=checked]:border-bad data-[state=checked]:bg-bad-soft"
        >
          <Icon size={18} aria-hidden className="mt-0.5 shrink-0" />
          <span className="min-w-0 flex-1">
            <span className="block font-semibold">{t(`kill.${each}`)}</span>
            <span className="block text-soft max-sm:hidden max-sm:group-data-[state=checked]:block">
              {t(`kill.${each}Means`)}
            </span>
          </span>
          <span
            aria-hidden
            className="mt-0.5 flex size-4.5 shrink-0 items-center justify-center rounded-full border border-line-strong group-data-[state=checked]:border-bad"
          >
            <RadioGroup.Indicator className="size-2.5 rounded-full bg-bad" />
          </span>
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}

const QUICK = ["news", "behaves", "unsure", "away"] as const;

/** Whoever needs the switch has no time to write. */
function QuickReasons({ onReason }: { onReason: (reason: string) => void }) {
  const { t } = useTranslation("accounts");
  return (
    <fieldset className="flex flex-wrap gap-1.5">
      <legend className="sr-only">{t("kill.quick")}</legend>
      {QUICK.map((each) => (
        <Button key={each} small onClick={() => onReason(t(`kill.quickReasons.${each}`))} className="max-sm:h-9">
          {t(`kill.quickReasons.${each}`)}
        </Button>
      ))}
    </fieldset>
  );
}
