import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { CATEGORIES } from "@/editor/palette/search";
import type { NodeType } from "@/editor/store/types";
import { Badge } from "@/ui/Badge";

export function NodeIndex({ types }: { types: NodeType[] }) {
  const { t } = useTranslation("help");
  return (
    <>
      <h1 className="mb-1 text-2xl">{t("nodes")}</h1>
      <p className="mb-5 text-soft">{t("nodesLead", { count: types.length })}</p>
      {CATEGORIES.map((category) => (
        <section key={category} className="mb-6">
          <h2 className="mb-2 flex items-center gap-2">
            <span aria-hidden className="size-3 rounded-full" style={{ background: `var(--cat-${category})` }} />
            {t(`category.${category}`)}
          </h2>
          <ul className="grid gap-x-6 gap-y-1.5 xl:grid-cols-2">
            {types
              .filter((type) => type.category === category)
              .map((type) => (
                <li key={type.type} className="flex flex-wrap items-baseline gap-x-2">
                  <Link href={`/help/${type.type}`} className="font-medium text-accent hover:underline">
                    {type.title}
                  </Link>
                  {type.tier === "pro" && <Badge tone="warn">{t("tier.pro")}</Badge>}
                  <span className="w-full text-soft">{type.description}</span>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}
