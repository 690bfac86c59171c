import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { nodeSchemaQuery } from "@/api/queries";
import { Badge } from "@/ui/Badge";
import type { NodeType } from "../store/types";

/** What a node type does, and an example of its use. */
export function About({ type }: { type: NodeType }) {
  const { t } = useTranslation("editor");
  const { data } = useQuery(nodeSchemaQuery(type.type));
  const example = data?.example as { title: string; config: Record<string, unknown> } | undefined;
  return (
    <section aria-label={t("palette.about")} className="palette-about">
      <p className="flex flex-wrap items-center gap-1.5">
        <span className="font-semibold">{type.title}</span>
        {type.effects.includes("trades") && <Badge tone="warn">{t("palette.trades")}</Badge>}
        {type.tier === "pro" && <Badge tone="accent">{t("palette.pro")}</Badge>}
      </p>
      <p className="text-soft">{type.description}</p>
      {example && (
        <>
          <p className="mt-1.5 font-medium">{t("palette.example", { title: example.title })}</p>
          <dl className="grid grid-cols-[auto_1fr] gap-x-2 font-mono text-[11px]">
            {Object.entries(example.config)
              .slice(0, 5)
              .map(([name, value]) => (
                <div key={name} className="contents">
                  <dt className="text-soft">{name}</dt>
                  <dd className="truncate">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
                </div>
              ))}
          </dl>
        </>
      )}
      <Link href={`/help/${type.type}`} className="mt-1 inline-block text-accent underline">
        {t("palette.more")}
      </Link>
    </section>
  );
}
