import { useQuery } from "@tanstack/react-query";
import { Bell as Picture } from "lucide-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useRunNews } from "@/live/hooks";
import { notificationsQuery, type Told } from "@/screens/notifications/queries";
import { unseen, useSeenUntil } from "@/screens/notifications/seen";
import { IconButton } from "@/ui/Button";
import { useLater } from "@/ui/later";
import { toast } from "@/ui/toast";

const load = () => import("./Latest");
const Latest = lazy(load);

/** Tells that something was told: how much is new, and the latest of it. What is grave is shown at once. */
export function Bell() {
  const { t } = useTranslation("notifications");
  const { data } = useQuery(notificationsQuery());
  const until = useSeenUntil();
  const { there, button } = useLater(load, "dialog");
  useRunNews("notifications");
  const items = data?.items ?? [];
  const count = unseen(items, until).length;
  useGrave(data?.items);

  const bell = (
    <IconButton label={count > 0 ? t("bellNew", { count }) : t("bell")} className="relative" {...(there ? {} : button)}>
      <Picture size={17} aria-hidden />
      {count > 0 && (
        <span
          aria-hidden
          className="absolute top-0.5 right-0.5 min-w-4 rounded-full bg-bad px-1 text-center text-[10px] leading-4 font-semibold text-surface"
        >
          {count > 9 ? "9+" : count}
        </span>
      )}
    </IconButton>
  );
  if (!there) return bell;
  return (
    <Suspense fallback={bell}>
      <Latest items={items} until={until}>
        {bell}
      </Latest>
    </Suspense>
  );
}

/** Shows what is told as an error while one looks, each once; not what was told before the page was opened. */
function useGrave(items: Told[] | undefined): void {
  const last = useRef<string | null>(null);
  useEffect(() => {
    if (items === undefined) return;
    const newest = items[0]?.time ?? "";
    if (last.current !== null) {
      for (const item of unseen(items, last.current)
        .filter(({ level }) => level === "error")
        .slice(0, 3)) {
        toast.failed(new Error(`${item.title}. ${item.message}`));
      }
    }
    if (last.current === null || newest > last.current) last.current = newest;
  }, [items]);
}
