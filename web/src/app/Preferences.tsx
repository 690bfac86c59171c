import { Settings } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { useLater } from "@/ui/later";

const load = () => import("./PreferencesMenu");
const Menu = lazy(load);

export function Preferences() {
  const { t } = useTranslation("app");
  const { there, button } = useLater(load, "menu");
  const closed = (
    <IconButton label={t("preferences")} {...button}>
      <Settings size={17} aria-hidden />
    </IconButton>
  );
  if (!there) return closed;
  return (
    <Suspense fallback={closed}>
      <Menu />
    </Suspense>
  );
}
