import { ChevronDown, ListTodo, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";

/** A card over the corner of the screen that can be folded away and never blocks what is under the rest. */
export function Panel({
  label,
  kicker,
  title,
  close,
  closeLabel,
  children,
  actions,
}: {
  label: string;
  kicker?: string;
  title: string;
  close: () => void;
  closeLabel: string;
  children: ReactNode;
  actions?: ReactNode;
}) {
  const { t } = useTranslation("tour");
  const [folded, setFolded] = useState(false);
  if (folded) {
    return (
      <Button tone="primary" className="fixed right-4 bottom-4 z-30 shadow-raised" onClick={() => setFolded(false)}>
        <ListTodo size={16} aria-hidden />
        {t("unfold")}
      </Button>
    );
  }
  return (
    <aside
      aria-label={label}
      className="fixed right-4 bottom-4 z-30 flex max-h-[70dvh] w-96 max-w-[calc(100vw-2rem)] flex-col gap-3 overflow-y-auto rounded-xl border border-accent bg-raised p-4 shadow-raised"
    >
      <div className="flex items-start gap-1">
        <div className="min-w-0 flex-1">
          {kicker && <p className="text-xs font-medium text-accent">{kicker}</p>}
          <h2 aria-live="polite">{title}</h2>
        </div>
        <IconButton small label={t("fold")} onClick={() => setFolded(true)}>
          <ChevronDown size={16} aria-hidden />
        </IconButton>
        <IconButton small label={closeLabel} onClick={close}>
          <X size={16} aria-hidden />
        </IconButton>
      </div>
      {children}
      {actions && <div className="flex flex-wrap justify-end gap-2">{actions}</div>}
    </aside>
  );
}
