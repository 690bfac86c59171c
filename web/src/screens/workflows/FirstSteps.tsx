import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useGuide } from "@/tour/guide";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";

/** What stands where there is no workflow yet. */
export function FirstSteps() {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  const start = useGuide((state) => state.start);
  return (
    <Empty
      title={t("empty.title")}
      action={
        <div className="mt-2 flex flex-wrap justify-center gap-2">
          <Button tone="primary" onClick={start}>
            {t("empty.tour")}
          </Button>
          <Button onClick={() => go("/templates")}>{t("empty.template")}</Button>
        </div>
      }
    >
      {t("empty.lead")}
    </Empty>
  );
}
