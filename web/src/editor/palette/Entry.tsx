import { Lock, type LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { DRAGGED } from "../canvas/drag-type";
import type { NodeType } from "../store/types";

/** One node type: drag it, click it, or press Enter on it. */
export function Entry({
  type,
  icon: Icon,
  onAdd,
  onAbout,
}: {
  type: NodeType;
  icon: LucideIcon;
  onAdd: (type: NodeType) => void;
  onAbout: (type: NodeType) => void;
}) {
  const { t } = useTranslation("editor");
  return (
    <button
      type="button"
      draggable
      data-entry={type.type}
      data-category={type.category}
      title={type.description}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, type.type);
        event.dataTransfer.effectAllowed = "copy";
      }}
      onClick={() => onAdd(type)}
      onFocus={() => onAbout(type)}
      onPointerEnter={() => onAbout(type)}
      className="palette-entry"
    >
      <span className="node-icon palette-icon">
        <Icon size={16} aria-hidden />
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{type.title}</span>
        <span className="palette-words">{type.description}</span>
      </span>
      {type.tier === "pro" && (
        <span className="palette-tier" title={t("palette.pro")}>
          <Lock size={10} aria-hidden />
          {t("palette.proShort")}
        </span>
      )}
    </button>
  );
}
