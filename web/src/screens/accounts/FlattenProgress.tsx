import { CircleCheck, LoaderCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";

/** How far closing everything has come, and what is still there with its trouble. */
export function FlattenProgress({ flatten }: { flatten: Schemas["Flatten"] }) {
  const { t } = useTranslation("accounts");
  const running = flatten.status === "running";
  const words =
    running && flatten.left === null
      ? t("flatten.looking")
      : t(`flatten.${flatten.status}`, { count: flatten.left ?? 0 });
  return (
    <div role="status" className="rounded-md border border-line bg-sunken p-3">
      <p className="flex items-center gap-2 font-medium">
        {running ? (
          <LoaderCircle size={16} aria-hidden className="animate-spin text-accent" />
        ) : (
          <CircleCheck size={16} aria-hidden className={flatten.status === "flat" ? "text-good" : "text-soft"} />
        )}
        {words}
      </p>
      <p className="text-soft">{t("flatten.went", { closed: flatten.closed, cancelled: flatten.cancelled })}</p>
      {flatten.trouble && <p className="text-bad">{flatten.trouble}</p>}
      {(flatten.remaining?.length ?? 0) > 0 && (
        <ul aria-label={t("flatten.left")} className="mt-2 flex flex-col gap-1 text-xs">
          {flatten.remaining?.map((each) => (
            <li key={`${each.kind} ${each.ticket}`} className="tabular-nums">
              {`${each.side} ${each.volume} ${each.symbol} #${each.ticket}`}
              {each.trouble && <span className="text-bad"> · {each.trouble}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
