import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRunNews } from "@/live/hooks";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { Item } from "./Item";
import { notificationsQuery, RECENT, type Told } from "./queries";
import { byDay, markSeen, useSeenUntil } from "./seen";

const LEVELS = ["error", "warning", "success", "info"] as const;
const MOST = 200;

export default function Notifications() {
  const { t } = useTranslation("notifications");
  const [limit, setLimit] = useState(RECENT);
  const [level, setLevel] = useState<Told["level"] | null>(null);
  const { data, error } = useQuery(notificationsQuery(limit));
  const fresh = useFresh(data?.items);
  useRunNews("notifications");
  const shown = data?.items.filter((item) => level === null || item.level === level) ?? [];
  return (
    <Page title={t("title")} lead={t("lead")}>
      <Failure error={error} />
      {data && data.items.length === 0 && <Empty title={t("none.title")}>{t("none.lead")}</Empty>}
      {data && data.items.length > 0 && <Levels items={data.items} level={level} onLevel={setLevel} />}
      {data && data.items.length > 0 && shown.length === 0 && (
        <Empty title={t("noneSuch")} action={<Button onClick={() => setLevel(null)}>{t("showAll")}</Button>} />
      )}
      <div aria-live="polite" className="flex flex-col gap-4">
        {byDay(shown).map(([day, items]) => (
          <Day key={day} day={day} items={items} fresh={fresh} />
        ))}
      </div>
      {data && data.items.length === limit && limit < MOST && (
        <Button className="self-center" onClick={() => setLimit(MOST)}>
          {t("more")}
        </Button>
      )}
    </Page>
  );
}

/** Until when everything had been seen before this screen was opened. What it shows is seen now. */
function useFresh(items: Told[] | undefined): string {
  const until = useSeenUntil();
  const [before] = useState(until);
  const newest = items?.[0]?.time;
  useEffect(() => {
    if (newest) markSeen(newest);
  }, [newest]);
  return before;
}

function Levels({
  items,
  level,
  onLevel,
}: {
  items: Told[];
  level: Told["level"] | null;
  onLevel: (level: Told["level"] | null) => void;
}) {
  const { t } = useTranslation("notifications");
  return (
    <fieldset className="flex flex-wrap gap-1.5">
      <legend className="sr-only">{t("filter")}</legend>
      {[null, ...LEVELS].map((each) => (
        <Button
          key={each ?? "all"}
          small
          tone={each === level ? "primary" : "plain"}
          aria-pressed={each === level}
          onClick={() => onLevel(each)}
        >
          {each === null ? t("all") : t(`level.${each}`)}{" "}
          {each === null ? items.length : items.filter((item) => item.level === each).length}
        </Button>
      ))}
    </fieldset>
  );
}

function Day({ day, items, fresh }: { day: string; items: Told[]; fresh: string }) {
  const { t, i18n } = useTranslation("notifications");
  const today = new Date().toISOString().slice(0, 10);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const word =
    day === today
      ? t("today")
      : day === yesterday
        ? t("yesterday")
        : new Intl.DateTimeFormat(i18n.language, { dateStyle: "full", timeZone: "UTC" }).format(new Date(day));
  return (
    <section aria-label={word}>
      <h2 className="mb-1.5 text-sm text-soft">{word}</h2>
      <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
        {items.map((item) => (
          <li key={item.id}>
            <Item item={item} fresh={item.time > fresh} />
          </li>
        ))}
      </ul>
    </section>
  );
}
