import { CircleCheck, CircleHelp, CircleMinus, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "@/ui/Badge";
import { type Verdict, verdictOf } from "./figures";
import type { Scores } from "./queries";

const LOOKS: Record<Verdict, [Tone, typeof CircleCheck]> = {
  beats: ["good", CircleCheck],
  no_better: ["neutral", CircleMinus],
  worse: ["warn", TriangleAlert],
  untested: ["neutral", CircleHelp],
};

/** What the walk-forward test says, in words: most models are no better than chance, and must not look better. */
export function VerdictBadge({ scores }: { scores: Scores | null | undefined }) {
  const { t } = useTranslation("models");
  const verdict = verdictOf(scores);
  const [tone, Icon] = LOOKS[verdict];
  return (
    <Badge tone={tone} className="self-start">
      <Icon size={13} aria-hidden />
      {t(`verdict.${verdict}`)}
    </Badge>
  );
}
