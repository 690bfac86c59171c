import { CircleCheck, CircleX, Info, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { cx } from "@/ui/cx";
import { moment } from "@/ui/format";
import type { Told } from "./queries";

const LOOKS = {
  info: [Info, "text-accent"],
  success: [CircleCheck, "text-good"],
  warning: [TriangleAlert, "text-warn"],
  error: [CircleX, "text-bad"],
} as const;

/** One notification: how grave, what, when, and the way to what it is about. */
export function Item({ item, fresh, onOpen }: { item: Told; fresh: boolean; onOpen?: () => void }) {
  const { t } = useTranslation("notifications");
  const [Icon, colour] = LOOKS[item.level];
  return (
    <article className={cx("flex gap-3 px-3 py-2.5", fresh && "bg-accent-soft")}>
      <Icon size={18} role="img" aria-label={t(`level.${item.level}`)} className={cx("mt-0.5 shrink-0", colour)} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline justify-between gap-x-3">
          <span className="font-medium break-words">{item.title}</span>
          <time dateTime={item.time} className="text-xs text-soft tabular-nums">
            {moment(item.time)} UTC
          </time>
        </p>
        {item.message && <p className="break-words text-soft">{item.message}</p>}
        {(item.execution_id || item.workflow_id) && (
          <p className="mt-0.5 flex gap-4 text-xs">
            {item.execution_id && (
              <Link href={`/executions/${item.execution_id}`} onClick={onOpen} className="text-accent hover:underline">
                {t("execution")}
              </Link>
            )}
            {item.workflow_id && (
              <Link href={`/workflows/${item.workflow_id}`} onClick={onOpen} className="text-accent hover:underline">
                {t("workflow")}
              </Link>
            )}
          </p>
        )}
      </div>
    </article>
  );
}
