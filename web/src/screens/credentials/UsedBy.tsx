import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Badge } from "@/ui/Badge";
import { credentialQuery } from "./queries";

/** The workflows that name a credential. */
export function UsedBy({ id }: { id: string }) {
  const { t } = useTranslation("credentials");
  const { data } = useQuery(credentialQuery(id));
  if (!data) return null;
  return (
    <section aria-label={t("usedBy")} className="text-sm">
      <h3 className="font-medium">{t("usedBy")}</h3>
      {data.used_by.length === 0 && <p className="text-soft">{t("unused")}</p>}
      <ul>
        {data.used_by.map((each) => (
          <li key={each.workflow_id} className="flex flex-wrap items-center gap-2">
            <Link href={`/workflows/${each.workflow_id}`} className="text-accent hover:underline">
              {each.workflow_name}
            </Link>
            <Badge tone={each.active ? "good" : "neutral"}>{t(each.active ? "active" : "off")}</Badge>
            <span className="text-soft">{each.nodes.join(", ")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
