import { useTranslation } from "react-i18next";
import { isObject } from "./schema";
import { useSurroundings } from "./surroundings";

const MOST = 400;

/** A value in one line, as people read it; `whole` with every digit. */
function shortly(value: unknown, whole = false): string {
  if (typeof value === "number" && !whole) return String(Number(value.toPrecision(8)));
  if (isObject(value) && value.kind === "bars" && !whole)
    return `${value.count} × ${value.symbol} ${value.timeframe} → ${String(value.to).slice(0, 16).replace("T", " ")}`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

/** What the field's expression gives on the data of the last run. */
export function PreviewLine({ path }: { path: string }) {
  const { t } = useTranslation("forms");
  const preview = useSurroundings().previews[path];
  if (!preview) return null;
  if (preview.error)
    return (
      <p className="mt-1 text-xs text-warn" data-preview={path}>
        {preview.error} <span className="text-soft">{preview.hint}</span>
      </p>
    );
  return (
    <p className="mt-1 flex min-w-0 gap-1.5 text-xs text-soft" data-preview={path}>
      <span className="shrink-0">{t("preview")}</span>
      <span className="line-clamp-2 min-w-0 font-mono break-all text-good" title={shortly(preview.value ?? null, true)}>
        {shortly(preview.value ?? null)}
      </span>
    </p>
  );
}
