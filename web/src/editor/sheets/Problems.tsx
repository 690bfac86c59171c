import { CircleAlert, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Dialog } from "@/ui/Dialog";
import { viewport } from "../canvas/viewport";
import { type Problem, useProblems } from "../running/validation";
import { openPanel, select, useEditor } from "../store/store";

/** All that the compiler has to say; a problem leads to its node. */
export function ProblemsSheet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("editor");
  const problems = useProblems((state) => state.problems);
  const nodes = useEditor((state) => state.document.nodes);
  const name = (id: string) => nodes.find((node) => node.id === id)?.name || id;
  const show = (problem: Problem) => {
    onClose();
    if (!problem.node) return;
    select([problem.node]);
    viewport.makeVisible(problem.node);
    openPanel(problem.node);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("problems.title")}
      description={problems.length ? undefined : t("problems.none")}
    >
      <ul className="flex flex-col gap-1">
        {problems.map((problem) => (
          <li key={`${problem.node} ${problem.field} ${problem.code} ${problem.message}`}>
            <button type="button" className="problem" disabled={!problem.node} onClick={() => show(problem)}>
              {problem.severity === "warning" ? (
                <TriangleAlert size={16} aria-label={t("problems.warning")} className="mt-0.5 shrink-0 text-warn" />
              ) : (
                <CircleAlert size={16} aria-label={t("problems.error")} className="mt-0.5 shrink-0 text-bad" />
              )}
              <span>
                {problem.node && <span className="font-semibold">{name(problem.node)}</span>}
                {problem.field && <span className="ml-1.5 font-mono text-xs text-soft">{problem.field}</span>}
                <span className="block">{problem.message}</span>
                {problem.hint && <span className="block text-soft">{problem.hint}</span>}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
