import { useTranslation } from "react-i18next";
import { TOUR_STEPS, type TourStep } from "./guide";

/** "Step 2 of 5". */
export function useStep(): (step: TourStep) => string {
  const { t } = useTranslation("tour");
  return (step) => t("step", { at: TOUR_STEPS.indexOf(step) + 1, of: TOUR_STEPS.length });
}
