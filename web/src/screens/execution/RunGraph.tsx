import { useQuery } from "@tanstack/react-query";
import { memo, useEffect, useMemo } from "react";
import { GraphView } from "@/editor/canvas/GraphView";
import type { WorkflowDocument } from "@/editor/store/types";
import { useWatch } from "@/live/use-run";
import { debugQuery } from "./queries";
import { RunMarks } from "./run-marks";

/** The canvas with how each node stands and where the run went. What a run tells changes marks, not the canvas. */
export const RunGraph = memo(function RunGraph({
  id,
  document,
  selected,
  onSelect,
  debugged,
}: {
  id: string;
  document: WorkflowDocument;
  selected: string | null;
  onSelect: (node: string | null) => void;
  debugged: boolean;
}) {
  const watch = useWatch();
  const marks = useMemo(() => new RunMarks(watch, document), [watch, document]);
  const { data: session } = useQuery({ ...debugQuery(id), enabled: debugged });
  useEffect(() => marks.setBreakpoints(new Set(session?.breakpoints)), [marks, session]);
  return <GraphView document={document} marks={marks} selected={selected} onOpen={onSelect} />;
});
