import { useQuery } from "@tanstack/react-query";
import { Pause, Play, Square } from "lucide-react";
import { Progress } from "radix-ui";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, type Schemas } from "@/api/client";
import { healthQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Figure, toneOf } from "@/ui/Figure";
import { moment, percent, profit } from "@/ui/format";
import { Failure, Notice } from "@/ui/Notice";
import { Card } from "@/ui/Page";
import { type Account, replayQuery, useReplayWord, useStartReplay } from "./queries";

const SPEEDS = ["0", "60", "3600", "86400"] as const;
const AHEAD_MS = 7 * 86_400_000;

const isGoing = ({ state }: Schemas["MarketReplay"]): boolean => state === "running" || state === "paused";

/** Drives a paper account's market through its data. */
export function Replay({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const { data, error } = useQuery(replayQuery(account.name));
  const never = error instanceof ApiError && error.status === 404;
  return (
    <Card title={t("replay.title")} className="flex flex-col gap-4">
      <p className="text-soft">{t("replay.lead")}</p>
      {error && !never && <Failure error={error} />}
      {data && <Going account={account} replay={data} />}
      {(never || (data && !isGoing(data))) && <Start account={account} />}
    </Card>
  );
}

function Start({ account }: { account: Account }) {
  const { t } = useTranslation("accounts");
  const clock = useQuery(healthQuery()).data?.accounts.find(({ name }) => name === account.name);
  const now = clock?.market_time;
  const [to, setTo] = useState<string | null>(null);
  const [speed, setSpeed] = useState<string>(SPEEDS[0]);
  const start = useStartReplay(account.name);
  if (!now) return null;
  const until = to ?? new Date(Date.parse(now) + AHEAD_MS).toISOString().slice(0, 16);

  function go(event: FormEvent) {
    event.preventDefault();
    start.mutate({ to: `${until}:00Z`, speed: Number(speed) });
  }

  return (
    <form onSubmit={go} className="flex flex-col gap-3">
      <p>
        {t("replay.stands")} <strong className="tabular-nums">{moment(now)} UTC</strong>
      </p>
      <div className="grid gap-3 sm:grid-cols-[16rem_16rem_auto] sm:items-start">
        <TextField
          label={t("replay.to")}
          type="datetime-local"
          required
          value={until}
          onChange={(event) => setTo(event.target.value)}
        />
        <SelectField label={t("replay.speed")} value={speed} onChange={(event) => setSpeed(event.target.value)}>
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {t(`replay.speeds.${each}`)}
            </option>
          ))}
        </SelectField>
        <Button type="submit" tone="primary" disabled={start.isPending} className="sm:mt-6">
          <Play size={15} aria-hidden />
          {t("replay.start")}
        </Button>
      </div>
      <Failure error={start.error} />
    </form>
  );
}

function Going({ account, replay }: { account: Account; replay: Schemas["MarketReplay"] }) {
  const { t } = useTranslation("accounts");
  const word = useReplayWord(account.name);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p role="status">
          <strong>{t(`replay.state.${replay.state}`)}</strong>{" "}
          <span className="text-soft tabular-nums">
            {moment(replay.now)} / {moment(replay.to)} UTC · {t("replay.executions")}: {replay.executions}
          </span>
        </p>
        {isGoing(replay) && (
          <div className="flex gap-2">
            <Button
              disabled={word.isPending}
              onClick={() => word.mutate(replay.state === "running" ? "pause" : "resume")}
            >
              {replay.state === "running" ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
              {t(replay.state === "running" ? "replay.pause" : "replay.resume")}
            </Button>
            <Button disabled={word.isPending} onClick={() => word.mutate("stop")}>
              <Square size={14} aria-hidden />
              {t("replay.stop")}
            </Button>
          </div>
        )}
      </div>
      <Progress.Root
        value={Math.round(replay.done * 100)}
        aria-label={t("replay.progress", { share: percent(replay.done, 0) })}
        className="h-2 overflow-hidden rounded-full bg-sunken"
      >
        <Progress.Indicator className="h-2 rounded-full bg-accent" style={{ width: `${replay.done * 100}%` }} />
      </Progress.Root>
      {replay.trouble && <Notice tone="bad">{replay.trouble}</Notice>}
      <Failure error={word.error} />
      {replay.summary && <Summary summary={replay.summary} />}
    </div>
  );
}

function Summary({ summary }: { summary: Schemas["MarketReplaySummary"] }) {
  const { t } = useTranslation("accounts");
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
      <Figure name={t("replay.trades")}>
        {summary.trades}
        <span className="ml-1 text-xs text-soft">{t("replay.won", { count: summary.won })}</span>
      </Figure>
      <Figure name={t("replay.net")} tone={toneOf(summary.net_profit)}>
        {profit(summary.net_profit, summary.currency)}
      </Figure>
      <Figure name={t("replay.equity")} tone={toneOf(summary.equity_change)}>
        {profit(summary.equity_change, summary.currency)}
      </Figure>
      <Figure name={t("replay.left")}>{summary.open_positions}</Figure>
    </dl>
  );
}
