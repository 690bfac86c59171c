import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { asDocument } from "@/editor/store/types";
import { Badge } from "@/ui/Badge";
import { GraphSketch } from "@/ui/GraphSketch";
import type { Template } from "./queries";

export function TemplateCard({ template }: { template: Template }) {
  const { t } = useTranslation("templates");
  const document = asDocument(template.document);
  const label = t("picture", { name: template.name, count: document.nodes.length });
  return (
    <li className="relative flex flex-col overflow-clip rounded-xl border border-line bg-surface transition-shadow focus-within:border-accent hover:border-line-strong hover:shadow-raised">
      <GraphSketch document={document} label={label} className="h-40 w-full border-b border-line" />
      <div className="flex flex-1 flex-col gap-2 p-4">
        <h2>
          <Link href={`/templates/${template.id}`} className="after:absolute after:inset-0">
            {template.name}
          </Link>
        </h2>
        <p className="line-clamp-3 flex-1 text-soft">{template.summary}</p>
        <Facts template={template} />
      </div>
    </li>
  );
}

export function Facts({ template }: { template: Template }) {
  const { t } = useTranslation("templates");
  return (
    <p className="flex flex-wrap items-center gap-1.5">
      <Badge tone="accent">{t(`category.${template.category}`)}</Badge>
      <Badge>{t(`level.${template.level}`)}</Badge>
      <Badge>{template.market}</Badge>
      {template.tier === "pro" && <Badge tone="warn">{t("pro")}</Badge>}
    </p>
  );
}
