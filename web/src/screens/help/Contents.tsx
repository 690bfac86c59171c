import { Sparkles } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { useGuide } from "@/tour/guide";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import type { HelpPage, Part } from "./content";
import { SCREENCASTS } from "./Screencasts";

const PARTS: Part[] = ["begin", "tutorials", "reference"];

export function Contents({ pages, here, leave }: { pages: HelpPage[]; here: string; leave: () => void }) {
  const { t } = useTranslation("help");
  const [, go] = useLocation();
  const start = useGuide((state) => state.start);
  const entry = (slug: string, title: string, path = `/help/${slug}`) => (
    <li key={slug}>
      <Link
        href={path}
        onClick={leave}
        aria-current={slug === here ? "page" : undefined}
        className={cx(
          "block rounded-md px-2.5 py-1",
          slug === here ? "bg-accent-soft font-medium text-accent" : "hover:bg-sunken",
        )}
      >
        {title}
      </Link>
    </li>
  );
  return (
    <nav aria-label={t("contents")} className="flex flex-col gap-4">
      <Button
        onClick={() => {
          start();
          go("/workflows");
        }}
      >
        <Sparkles size={15} aria-hidden className="text-accent" />
        {t("tour")}
      </Button>
      {PARTS.map((part) => (
        <div key={part}>
          <h2 className="mb-1 px-2.5 text-xs font-medium tracking-wide text-soft uppercase">{t(`part.${part}`)}</h2>
          <ul className="flex flex-col gap-0.5">
            {pages.filter((page) => page.part === part).map(({ slug, title }) => entry(slug, title))}
            {part === "begin" && SCREENCASTS.length > 0 && entry("screencasts", t("screencasts"))}
            {part === "reference" && (
              <>
                {entry("nodes", t("nodes"))}
                {entry("shortcuts", t("shortcuts"))}
                {entry("examples", t("examples"), "/templates")}
              </>
            )}
          </ul>
        </div>
      ))}
    </nav>
  );
}
