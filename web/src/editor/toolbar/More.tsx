import { EllipsisVertical } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { useLater } from "@/ui/later";
import type { Command } from "../commands";

const load = () => import("./MoreMenu");
const Menu = lazy(load);

export function More({ commands }: { commands: readonly Command[] }) {
  const { t } = useTranslation("editor");
  const { there, button } = useLater(load, "menu");
  const closed = (
    <IconButton small label={t("toolbar.more")} {...button}>
      <EllipsisVertical size={16} aria-hidden />
    </IconButton>
  );
  if (!there) return closed;
  return (
    <Suspense fallback={closed}>
      <Menu commands={commands} />
    </Suspense>
  );
}
