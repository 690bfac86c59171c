import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Failure, Notice } from "@/ui/Notice";

const CodeEditor = lazy(() => import("@/forms/code/CodeEditor"));

/** An output by hand, to be pinned: what the node is to give while testing. */
export function EditOutput({
  output,
  port,
  ports,
  onPin,
  onClose,
}: {
  output: unknown;
  port: string;
  ports: { name: string; title: string }[];
  onPin: (output: unknown, port: string) => Promise<void>;
  onClose: () => void;
}) {
  const { t } = useTranslation("panel");
  const [text, setText] = useState(() => JSON.stringify(output, null, 2));
  const [to, setTo] = useState(port);
  const [error, setError] = useState<unknown>(null);
  const read = parsed(text);
  const save = () => onPin(read?.value, to).then(onClose, setError);
  return (
    <Dialog open onClose={onClose} title={t("edit.title")} description={t("edit.lead")} wide>
      <Suspense fallback={<p role="status">{t("app:loading")}</p>}>
        <CodeEditor label={t("edit.json")} language="json" text={text} onChange={setText} />
      </Suspense>
      {read === null && <Notice tone="warn">{t("edit.broken")}</Notice>}
      <Failure error={error} />
      <div className="flex items-center justify-end gap-2">
        {ports.length > 1 && (
          <label className="mr-auto flex items-center gap-2">
            {t("edit.port")}
            <select
              value={to}
              onChange={(event) => setTo(event.target.value)}
              className="h-9 rounded-md border border-line-strong bg-surface px-2"
            >
              {ports.map((each) => (
                <option key={each.name} value={each.name}>
                  {each.title}
                </option>
              ))}
            </select>
          </label>
        )}
        <Button onClick={onClose}>{t("app:cancel")}</Button>
        <Button tone="primary" disabled={read === null} onClick={save}>
          {t("output.pin")}
        </Button>
      </div>
    </Dialog>
  );
}

function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}
