import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { PERIODS, type Period } from "./figures";

type Props = {
  accounts: string[];
  account: string;
  onAccount: (name: string) => void;
  replays: string[];
  replay: string;
  onReplay: (replay: string) => void;
  period: Period;
  onPeriod: (period: Period) => void;
};

const SELECT = "h-9 rounded-md border border-line-strong bg-surface px-2";

/** Whose results, of which replay, over which time. */
export function Choices({ accounts, account, onAccount, replays, replay, onReplay, period, onPeriod }: Props) {
  const { t } = useTranslation("dashboard");
  return (
    <>
      {accounts.length > 1 && (
        <select
          aria-label={t("account")}
          className={SELECT}
          value={account}
          onChange={(event) => onAccount(event.target.value)}
        >
          {accounts.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      {replays.length > 1 && (
        <select
          aria-label={t("replay")}
          className={SELECT}
          value={replay}
          onChange={(event) => onReplay(event.target.value)}
        >
          {replays.map((each, index) => (
            <option key={each} value={each}>
              {t("replayOf", { number: index + 1 })}
            </option>
          ))}
        </select>
      )}
      <fieldset className="flex rounded-md border border-line bg-surface p-0.5">
        <legend className="sr-only">{t("period")}</legend>
        {PERIODS.map((each) => (
          <Button
            key={each}
            small
            tone={each === period ? "primary" : "quiet"}
            aria-pressed={each === period}
            onClick={() => onPeriod(each)}
          >
            {t(`periods.${each}`)}
          </Button>
        ))}
      </fieldset>
    </>
  );
}
