import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Button } from "@/ui/Button";
import { useEditor } from "../store/store";
import { openPalette } from "../store/ui";

/** What stands on an empty canvas: how to begin. */
export function Empty() {
  const { t } = useTranslation("editor");
  const empty = useEditor(({ document }) => document.nodes.length === 0 && !document.notes?.length);
  if (!empty) return null;
  return (
    <div className="canvas-empty">
      <Button tone="primary" onClick={() => openPalette()} className="pointer-events-auto">
        <Plus size={16} aria-hidden />
        {t("empty.add")}
      </Button>
      <p className="max-w-sm text-soft">{t("empty.lead")}</p>
      <Link href="/templates" className="pointer-events-auto text-accent underline">
        {t("empty.template")}
      </Link>
    </div>
  );
}
