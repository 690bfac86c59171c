import { CornerDownRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { useSession } from "./session";

/** On a node of a debugged run: pause before it, or run to it. */
export function NodeDebug({ id, node }: { id: string; node: string }) {
  const { t } = useTranslation("runs");
  const { session, command, ended } = useSession(id);
  if (ended || session === undefined) return null;
  const busy = command.isPending;
  const known = (busy && command.variables?.breakpoints) || session.breakpoints;
  const stops = known.includes(node);
  const toggled = stops ? known.filter((each) => each !== node) : [...known, node];
  return (
    <div className="flex flex-wrap items-center gap-3">
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
      {session.paused.length > 0 && (
        <Button small disabled={busy} onClick={() => command.mutate({ action: "run_to", to: node })}>
          <CornerDownRight size={13} aria-hidden />
          {t("debug.runToHere")}
        </Button>
      )}
    </div>
  );
}
