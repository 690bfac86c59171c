import { CircleCheck, CircleDashed, CircleSlash, CircleX, Clock, LoaderCircle, Pause } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "./Badge";

const LOOKS: Record<string, [Tone, typeof CircleCheck]> = {
  pending: ["neutral", Clock],
  running: ["accent", LoaderCircle],
  waiting: ["accent", Clock],
  paused: ["warn", Pause],
  succeeded: ["good", CircleCheck],
  failed: ["bad", CircleX],
  timed_out: ["bad", Clock],
  stopped: ["warn", CircleSlash],
  skipped: ["neutral", CircleDashed],
};

/** The status of an execution or of a node's run: picture and word, never colour alone. */
export function RunStatus({ status }: { status: string }) {
  const { t } = useTranslation("app");
  const [tone, Icon] = LOOKS[status] ?? ["neutral", CircleDashed];
  return (
    <Badge tone={tone}>
      <Icon size={13} aria-hidden className={status === "running" ? "animate-spin" : ""} />
      {t(`status.${status}`)}
    </Badge>
  );
}
