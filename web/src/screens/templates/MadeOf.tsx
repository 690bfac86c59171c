import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useTypes } from "@/editor/canvas/types";
import { Card } from "@/ui/Page";
import { typesOf } from "./matching";
import type { Template } from "./queries";

/** The node types of a template, each leading to its page of the reference. */
export function MadeOf({ template }: { template: Template }) {
  const { t } = useTranslation("templates");
  const types = useTypes();
  return (
    <Card title={t("uses")}>
      <ul className="flex flex-col gap-1.5">
        {typesOf(template).map((name) => (
          <li key={name} className="flex items-center gap-2">
            <span
              aria-hidden
              className="size-2.5 shrink-0 rounded-full"
              style={{ background: `var(--cat-${name.split(".")[0]}, var(--line-strong))` }}
            />
            <Link href={`/help/${name}`} className="hover:text-accent hover:underline">
              {types?.get(name)?.title ?? name}
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}
