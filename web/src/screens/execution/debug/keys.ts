import { useEffect } from "react";
import { about, useSession } from "./session";

/** F8 goes on, F10 goes one step, as in other debuggers. */
export function useDebugKeys(id: string, enabled: boolean): void {
  const { session, command } = useSession(id, enabled);
  useEffect(() => {
    if (!enabled) return;
    const press = (event: KeyboardEvent) => {
      const first = session?.paused[0];
      if (command.isPending || !first) return;
      if (event.key === "F8") command.mutate({ action: "continue" });
      else if (event.key === "F10") command.mutate({ action: "step", ...about(first) });
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [enabled, session, command]);
}
