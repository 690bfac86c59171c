import { Pause, Play, RedoDot, SkipForward } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { runKey } from "@/live/run-record";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { moment } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { useNames } from "../use-names";
import { Breakpoint } from "./Breakpoint";
import { PausedInputs } from "./PausedInputs";
import { SkipDialog } from "./SkipDialog";
import { about, type CommandMutation, type Paused, useSession } from "./session";

/** Step by step: what the paused node is about to get, editing it, and how it goes on. */
export function DebugPanel({ id }: { id: string }) {
  const { t } = useTranslation("runs");
  const { session, error, command, ended } = useSession(id);
  const [chosen, choose] = useState<string | null>(null);
  const names = useNames(id);
  if (ended) return null;
  const paused = session?.paused.find((each) => key(each) === chosen) ?? session?.paused[0];
  return (
    <aside
      aria-label={t("debug.title")}
      className="flex w-96 shrink-0 flex-col border-l border-line bg-surface max-md:w-full max-md:border-t max-md:border-l-0"
    >
      <div className="flex items-center gap-2 border-b border-line bg-warn-soft px-3 py-2">
        <Pause size={16} aria-hidden className="text-warn" />
        <h2 className="min-w-0 flex-1 truncate">
          <span role="status">{paused ? t("debug.before", { node: paused.name }) : t("debug.running")}</span>
        </h2>
      </div>
      <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-y-auto p-3">
        <Failure error={error} />
        {session && session.paused.length > 1 && (
          <fieldset className="flex flex-wrap gap-1">
            <legend className="text-xs text-soft">{t("debug.which")}</legend>
            {session.paused.map((each) => (
              <Button
                key={key(each)}
                small
                aria-pressed={each === paused}
                onClick={() => choose(key(each))}
                className={cx(each === paused && "border-accent text-accent")}
              >
                {each.name} {each.iteration?.map((index) => index + 1).join("·")}
              </Button>
            ))}
          </fieldset>
        )}
        {session && paused && (
          <>
            <Controls id={id} paused={paused} breakpoints={session.breakpoints} command={command} />
            <PausedInputs key={key(paused)} paused={paused} command={command} names={names} />
            <p className="text-xs text-soft">{t("debug.abandoned", { time: moment(paused.expires_at) })}</p>
          </>
        )}
      </div>
    </aside>
  );
}

const key = ({ node, iteration }: Paused): string => runKey(node, iteration ?? []);

function Controls({
  id,
  paused,
  breakpoints,
  command,
}: {
  id: string;
  paused: Paused;
  breakpoints: readonly string[];
  command: CommandMutation;
}) {
  const { t } = useTranslation("runs");
  const names = useNames(id);
  const [skipping, setSkipping] = useState(false);
  const busy = command.isPending;
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button
          tone="primary"
          title={t("debug.stepHint")}
          disabled={busy}
          onClick={() => command.mutate({ action: "step", ...about(paused) })}
        >
          <RedoDot size={15} aria-hidden />
          {t("debug.step")}
        </Button>
        <Button title={t("debug.continueHint")} disabled={busy} onClick={() => command.mutate({ action: "continue" })}>
          <Play size={14} aria-hidden />
          {t("debug.continue")}
        </Button>
        <Button disabled={busy} onClick={() => setSkipping(true)}>
          <SkipForward size={14} aria-hidden />
          {t("debug.skip")}
        </Button>
      </div>
      <div className="flex flex-wrap items-center gap-3">
        <label className="flex items-center gap-1.5">
          <span>{t("debug.runTo")}</span>
          <select
            value=""
            disabled={busy}
            onChange={(event) => command.mutate({ action: "run_to", to: event.target.value })}
            className="h-7 w-36 rounded-md border border-line bg-surface px-2"
          >
            <option value="">…</option>
            {[...names].map(([node, name]) => (
              <option key={node} value={node}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Breakpoint node={paused.node} breakpoints={breakpoints} command={command} />
      </div>
      {skipping && <SkipDialog paused={paused} command={command} onClose={() => setSkipping(false)} />}
    </>
  );
}
