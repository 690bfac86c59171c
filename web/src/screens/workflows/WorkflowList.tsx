import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import type { Listed } from "./listing";
import { WorkflowRow } from "./WorkflowRow";

/** The columns of a wide screen; on a phone each workflow is a card. */
export const COLUMNS =
  "lg:grid lg:grid-cols-[minmax(0,1fr)_3rem_9.5rem_8.5rem_10rem_7rem] lg:items-center lg:gap-x-4 px-4";

export function WorkflowList({ workflows }: { workflows: Listed[] }) {
  const { t } = useTranslation("workflows");
  return (
    <div className="overflow-clip rounded-lg border border-line bg-surface">
      {/* Each figure says in its row what it is; these words are for the eye. */}
      <div aria-hidden className={cx(COLUMNS, "border-b border-line bg-canvas py-2 text-xs text-soft max-lg:hidden")}>
        <span>{t("column.name")}</span>
        <span>{t("column.active")}</span>
        <span>{t("column.run")}</span>
        <span className="text-right">{t("column.profit")}</span>
        <span>{t("column.next")}</span>
      </div>
      <ul aria-label={t("title")} className="divide-y divide-line">
        {workflows.map((workflow) => (
          <WorkflowRow key={workflow.id} workflow={workflow} />
        ))}
      </ul>
    </div>
  );
}
