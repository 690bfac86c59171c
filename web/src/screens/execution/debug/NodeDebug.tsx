import { CornerDownRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Breakpoint } from "./Breakpoint";
import { useSession } from "./session";

/** On a node of a debugged run: pause before it, or run to it. */
export function NodeDebug({ id, node }: { id: string; node: string }) {
  const { t } = useTranslation("runs");
  const { session, command, ended } = useSession(id);
  if (ended || session === undefined) return null;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Breakpoint node={node} breakpoints={session.breakpoints} command={command} />
      {session.paused.length > 0 && (
        <Button small disabled={command.isPending} onClick={() => command.mutate({ action: "run_to", to: node })}>
          <CornerDownRight size={13} aria-hidden />
          {t("debug.runToHere")}
        </Button>
      )}
    </div>
  );
}
