import { useQuery } from "@tanstack/react-query";
import { Bell as Picture } from "lucide-react";
import { Popover } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useRunNews } from "@/live/hooks";
import { Item } from "@/screens/notifications/Item";
import { notificationsQuery, type Told } from "@/screens/notifications/queries";
import { markSeen, unseen, useSeenUntil } from "@/screens/notifications/seen";
import { IconButton } from "@/ui/Button";
import { toast } from "@/ui/toast";

const SHOWN = 6;

/** Tells that something was told: how much is new, and the latest of it. What is grave is shown at once. */
export function Bell() {
  const { t } = useTranslation("notifications");
  const { data } = useQuery(notificationsQuery());
  const until = useSeenUntil();
  const [open, setOpen] = useState(false);
  const [before, setBefore] = useState(until);
  useRunNews("notifications");
  const items = data?.items ?? [];
  const count = unseen(items, until).length;
  useGrave(data?.items);

  function show(now: boolean) {
    setOpen(now);
    if (!now) return;
    setBefore(until);
    if (items[0]) markSeen(items[0].time);
  }

  return (
    <Popover.Root open={open} onOpenChange={show}>
      <Popover.Trigger asChild>
        <IconButton label={count > 0 ? t("bellNew", { count }) : t("bell")} className="relative">
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
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          aria-label={t("latest")}
          className="z-50 flex max-h-[70dvh] w-96 max-w-[calc(100vw-1rem)] flex-col rounded-lg border border-line bg-raised shadow-raised"
        >
          <div className="min-h-0 divide-y divide-line overflow-y-auto">
            {items.length === 0 && <p className="p-4 text-soft">{t("empty")}</p>}
            {items.slice(0, SHOWN).map((item) => (
              <Item key={item.id} item={item} fresh={item.time > before} onOpen={() => setOpen(false)} />
            ))}
          </div>
          <Link
            href="/notifications"
            onClick={() => setOpen(false)}
            className="border-t border-line p-2.5 text-center font-medium text-accent hover:bg-sunken"
          >
            {t("seeAll")}
          </Link>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
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
