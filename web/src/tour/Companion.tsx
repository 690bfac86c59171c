import { lazy, Suspense } from "react";
import { useLocation } from "wouter";
import { useGuide } from "./guide";

const Tour = lazy(() => import("./Tour"));
const TemplateGuide = lazy(() => import("./TemplateGuide"));

/** Stands beside every screen while somebody is shown around; nothing is loaded of it otherwise. */
export function Companion() {
  const tour = useGuide((state) => state.tour);
  const guide = useGuide((state) => state.guide);
  const [location] = useLocation();
  if (tour) {
    return (
      <Suspense>
        <Tour tour={tour} />
      </Suspense>
    );
  }
  if (guide === null || location !== `/workflows/${guide.workflow}`) return null;
  return (
    <Suspense>
      <TemplateGuide guide={guide} />
    </Suspense>
  );
}
