import {
  AlignHorizontalDistributeCenter,
  AlignStartHorizontal,
  AlignStartVertical,
  CircleOff,
  Copy,
  Group,
  Maximize,
  Minus,
  PanelLeftOpen,
  Plus,
  Search,
  StickyNote,
  Trash2,
  WandSparkles,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import type { Command } from "../commands";
import { keysText } from "../keys-text";
import { tintSelected } from "../store/actions";
import { useEditor } from "../store/store";
import type { Tint } from "../store/types";
import { useUi } from "../store/ui";

const TINTS: Tint[] = ["yellow", "blue", "green", "red", "violet", "grey"];
const VIEW = [
  ["fit", Maximize],
  ["zoomIn", Plus],
  ["zoomOut", Minus],
  ["tidy", WandSparkles],
  ["note", StickyNote],
  ["find", Search],
] as const;
const ONE = [
  ["duplicate", Copy],
  ["disable", CircleOff],
  ["delete", Trash2],
] as const;
const MANY = [
  ["align.left", AlignStartVertical],
  ["align.top", AlignStartHorizontal],
  ["align.columns", AlignHorizontalDistributeCenter],
  ["group", Group],
] as const;

/** Buttons on the canvas: for the view at its foot, for what is selected at its head. */
export function Tools({ commands }: { commands: readonly Command[] }) {
  const { t } = useTranslation("editor");
  const palette = useUi((state) => state.palette);
  const tool = ([id, Icon]: readonly [string, typeof Plus]): ReactNode => {
    const command = commands.find((each) => each.id === id);
    const label = `${t(`commands.${id}`)} ${keysText(command?.keys?.[0])}`.trim();
    return (
      <IconButton key={id} small label={label} onClick={() => command?.run()}>
        <Icon size={16} aria-hidden />
      </IconButton>
    );
  };
  return (
    <>
      {!palette && <div className="canvas-tools top-3 left-3">{tool(["palette", PanelLeftOpen])}</div>}
      <div role="toolbar" aria-label={t("canvas.tools")} className="canvas-tools bottom-3 left-3">
        {VIEW.map(tool)}
      </div>
      <Selection tool={tool} />
    </>
  );
}

function Selection({ tool }: { tool: (entry: readonly [string, typeof Plus]) => ReactNode }) {
  const { t } = useTranslation("editor");
  const count = useEditor((state) => state.selected.size);
  const tinted = useEditor(({ document, selected }) =>
    [...(document.notes ?? []), ...(document.groups ?? [])].some(({ id }) => selected.has(id)),
  );
  if (count === 0 || (count === 1 && !tinted)) return null;
  return (
    <div role="toolbar" aria-label={t("canvas.selection")} className="canvas-tools top-3 left-1/2 -translate-x-1/2">
      <span className="px-2 text-xs text-soft">{t("canvas.selected", { count })}</span>
      {tinted &&
        TINTS.map((tint) => (
          <button
            key={tint}
            type="button"
            data-tint={tint}
            aria-label={t(`tint.${tint}`)}
            title={t(`tint.${tint}`)}
            onClick={() => tintSelected(tint)}
            className="tint"
          />
        ))}
      {count > 1 && MANY.map(tool)}
      {ONE.map(tool)}
    </div>
  );
}
