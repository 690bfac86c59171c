import { useTranslation } from "react-i18next";
import type { CommandMutation } from "./session";

/** Whether the run pauses before this node. */
export function Breakpoint({
  node,
  breakpoints,
  command,
}: {
  node: string;
  breakpoints: readonly string[];
  command: CommandMutation;
}) {
  const { t } = useTranslation("runs");
  const busy = command.isPending;
  // Shown as wanted while the server is being told.
  const wanted = (busy && command.variables?.breakpoints) || breakpoints;
  const stops = wanted.includes(node);
  const toggled = stops ? wanted.filter((each) => each !== node) : [...wanted, node];
  return (
    <label className="flex items-center gap-1.5">
      <input
        type="checkbox"
        checked={stops}
        disabled={busy}
        onChange={() => command.mutate({ action: "breakpoints", breakpoints: toggled })}
        className="accent-accent"
      />
      {t("debug.breakpoint")}
    </label>
  );
}
