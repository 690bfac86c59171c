import { lazy, Suspense } from "react";
import type { Command } from "../commands";
import type { NodeType } from "../store/types";
import { useUi } from "../store/ui";
import { ConflictSheet } from "./Conflict";
import { ProblemsSheet } from "./Problems";
import { Shortcuts } from "./Shortcuts";

const CommandPalette = lazy(() => import("./CommandPalette"));
const Settings = lazy(() => import("./Settings"));

/** What opens over the canvas, one at a time. */
export function Sheets({ commands, types }: { commands: readonly Command[]; types: ReadonlyMap<string, NodeType> }) {
  const sheet = useUi((state) => state.sheet);
  const close = () => useUi.setState({ sheet: null });
  return (
    <Suspense fallback={null}>
      {(sheet === "commands" || sheet === "nodes") && (
        <CommandPalette commands={commands} types={types} nodesOnly={sheet === "nodes"} onClose={close} />
      )}
      {sheet === "settings" && <Settings onClose={close} />}
      {sheet === "shortcuts" && <Shortcuts commands={commands} onClose={close} />}
      {sheet === "problems" && <ProblemsSheet onClose={close} />}
      {sheet === "conflict" && <ConflictSheet onClose={close} />}
    </Suspense>
  );
}
