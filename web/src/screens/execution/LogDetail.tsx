import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, told } from "@/api/client";
import type { LogLine } from "@/live/run-record";
import { Button, IconButton } from "@/ui/Button";

/** One line whole: its text, its fields, and the way to its node. What was cut is read. */
export function LogDetail({
  id,
  line,
  onShow,
  onClose,
}: {
  id: string;
  line: LogLine;
  onShow: (node: string) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("runs");
  const { data } = useQuery({
    queryKey: ["executions", id, "line", line.seq],
    queryFn: async () => {
      const query = { after: line.seq - 1, limit: 1 };
      return (await told(api.GET("/api/agentic/executions/{id}/logs", { params: { path: { id }, query } }))).items[0];
    },
    enabled: line.cut === true,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  });
  const whole = data ?? line;
  return (
    <div className="flex max-h-40 shrink-0 items-start gap-3 overflow-auto border-t border-line bg-sunken px-3 py-2">
      <div className="min-w-0 flex-1 font-mono text-xs">
        <p className="break-words whitespace-pre-wrap">{whole.message}</p>
        {line.cut && !data && <p className="text-soft">{t("log.cut")}</p>}
        {whole.fields && Object.keys(whole.fields).length > 0 && (
          <pre className="mt-1 break-words whitespace-pre-wrap text-soft">{JSON.stringify(whole.fields, null, 2)}</pre>
        )}
      </div>
      {line.node && (
        <Button small onClick={() => onShow(line.node ?? "")}>
          {t("failure.show")}
        </Button>
      )}
      <IconButton small label={t("app:close")} onClick={onClose}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}
