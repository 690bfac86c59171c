import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { unreachable } from "@/api/client";
import { healthQuery } from "@/api/queries";
import { useLive } from "@/live/hooks";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { moment, money } from "@/ui/format";

/** The first account's standing, whether the system is up, and whether this page hears of what happens. */
export function Standing() {
  const { t } = useTranslation("app");
  const live = useLive();
  const { data, error } = useQuery(healthQuery());
  const offline = unreachable(error);
  const account = data?.accounts[0];
  // Another account than the first shows itself only while it is stopped.
  const stopped = data?.accounts.slice(1).filter(({ state }) => state && state !== "active") ?? [];
  const down = data?.components.filter((component) => component.status !== "ok") ?? [];
  // A phone has room for what is wrong, or for that nothing is.
  const calm = down.length === 0 && stopped.length === 0 && (account?.state ?? "active") === "active";
  return (
    <div
      className={cx(
        "flex min-w-0 flex-1 items-center justify-end gap-3 overflow-hidden p-1 max-sm:gap-1.5",
        offline && "opacity-70",
      )}
    >
      {account?.market_time && (
        <span className="hidden text-soft lg:inline">
          {t("standing.market")} <span className="text-ink tabular-nums">{moment(account.market_time)}</span>
          {account.speed === 0 && ` · ${t("standing.standing")}`}
        </span>
      )}
      {account?.available && account.equity !== null && account.equity !== undefined && (
        <span className="hidden font-medium tabular-nums sm:inline">
          {money(account.equity, account.currency ?? "USD")}
        </span>
      )}
      {account && <Mode mode={account.trade_mode} state={account.state} name={account.name} />}
      <span className="contents max-md:hidden">
        {stopped.map((each) => (
          <Mode key={each.name} mode={each.trade_mode} state={each.state} name={each.name} named />
        ))}
      </span>
      {stopped.length > 0 && (
        <Link
          href="/accounts"
          aria-label={t("standing.stopped", { count: stopped.length })}
          className="shrink-0 rounded-full bg-bad-soft px-2 py-0.5 text-xs font-medium whitespace-nowrap text-bad md:hidden"
        >
          +{stopped.length}
        </Link>
      )}
      <Badge
        tone={down.length ? "bad" : "good"}
        className={cx(down.length === 0 && "max-md:hidden")}
        title={down.map((part) => `${part.name}: ${part.detail}`).join("\n")}
      >
        {down.length ? t("standing.down", { names: down.map((part) => part.name).join(", ") }) : t("standing.up")}
      </Badge>
      <span role="status" className={cx("shrink-0", live && !offline && !calm && "max-sm:hidden")}>
        <Badge tone={offline ? "bad" : live ? "good" : "warn"}>
          {t(offline ? "link.offline" : live ? "link.live" : "link.polling")}
        </Badge>
      </span>
    </div>
  );
}

/** Paper, demo and live money look different enough never to be taken for one another. */
export function Mode({
  mode,
  state,
  name,
  named = false,
}: {
  named?: boolean;
  mode?: string | null | undefined;
  state?: string | null | undefined;
  name: string;
}) {
  const { t } = useTranslation("app");
  const looks = {
    paper: "border-paper text-paper",
    demo: "border-demo text-demo border-dashed",
    live: "border-live bg-live text-surface font-bold uppercase",
  };
  return (
    <Link
      href={`/accounts/${encodeURIComponent(name)}`}
      className={cx(
        "min-w-13 truncate rounded-full border-2 px-2.5 py-0.5 text-xs",
        looks[(mode ?? "paper") as keyof typeof looks] ?? "border-line",
      )}
    >
      {named ? name : t(`mode.${mode ?? "unknown"}`)}
      {state && state !== "active" && <State state={state} />}
    </Link>
  );
}

/** Its words come with the screens of accounts: the bar does not wait for them, and says none before. */
function State({ state }: { state: string }) {
  const { t, ready } = useTranslation("accounts", { useSuspense: false });
  return ready && <span className="ml-1 font-semibold">· {t(`state.${state}`)}</span>;
}
