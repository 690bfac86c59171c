import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";

/** What stands where there is no workflow yet. */
export function FirstSteps() {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  return (
    <Empty
      title={t("empty.title")}
      action={
        <div className="mt-2 flex flex-wrap justify-center gap-2">
          <Button onClick={() => go("/templates")}>{t("empty.template")}</Button>
        </div>
      }
    >
      {t("empty.lead")}
    </Empty>
  );
}
