import { Sparkles } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { useGuide } from "./guide";

/** Offers the tour to whoever has neither taken nor declined it. */
export function TourOffer() {
  const { t } = useTranslation("tour");
  const { offered, start, decline } = useGuide();
  if (offered) return null;
  return (
    <section
      aria-label={t("label")}
      className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border border-accent bg-accent-soft px-4 py-3"
    >
      <Sparkles size={20} aria-hidden className="text-accent" />
      <div className="min-w-60 flex-1">
        <p className="font-medium">{t("offer.title")}</p>
        <p>{t("offer.lead")}</p>
      </div>
      <Button tone="primary" onClick={start}>
        {t("offer.begin")}
      </Button>
      <Button tone="quiet" onClick={decline}>
        {t("offer.later")}
      </Button>
    </section>
  );
}
