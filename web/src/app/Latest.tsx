import { Popover } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Item } from "@/screens/notifications/Item";
import type { Told } from "@/screens/notifications/queries";
import { markSeen } from "@/screens/notifications/seen";

const SHOWN = 6;

/** The latest of what was told, under its button `children`. What was told since `until` stands out. */
export default function Latest({ items, until, children }: { items: Told[]; until: string; children: ReactNode }) {
  const { t } = useTranslation("notifications");
  const [open, setOpen] = useState(true);
  const [before, setBefore] = useState(until);
  const newest = items[0]?.time;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what comes while it is open stays new
  useEffect(() => {
    if (!open) return;
    setBefore(until);
    if (newest) markSeen(newest);
  }, [open]);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>{children}</Popover.Trigger>
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
