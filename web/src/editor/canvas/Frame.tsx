import { type NodeProps, NodeResizer } from "@xyflow/react";
import { Repeat } from "lucide-react";
import { memo, useContext } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { ActionsContext, EditingContext } from "./context";
import type { FrameNode, NoteNode } from "./flow";
import { GRID } from "./geometry";

/** A group, or the body of a loop. */
export const Frame = memo(function Frame({ id, data, selected }: NodeProps<FrameNode>) {
  const { t } = useTranslation("editor");
  const { renameGroup } = useContext(ActionsContext);
  const editing = useContext(EditingContext) === id && renameGroup !== undefined;
  return (
    <div data-tint={data.tint} className={cx("frame", data.loop && "frame-loop", selected && "frame-selected")}>
      <div className="frame-title">
        {data.loop && <Repeat size={13} aria-hidden />}
        {editing ? (
          <input
            // biome-ignore lint/a11y/noAutofocus: it was asked for by a double click or Enter
            autoFocus
            aria-label={t("group.name")}
            className="nodrag w-full bg-transparent outline-none"
            defaultValue={data.title}
            onBlur={(event) => renameGroup(id, event.target.value.trim())}
            onKeyDown={(event) => ["Enter", "Escape"].includes(event.key) && event.currentTarget.blur()}
          />
        ) : (
          <span className="truncate">
            {data.loop ? t("loop.body", { loop: data.title }) : data.title || t("group.unnamed")}
          </span>
        )}
      </div>
      {data.empty && <p className="frame-empty">{t("loop.empty")}</p>}
    </div>
  );
});

/** Words on the canvas: shown as they are, edited on a double click. */
export const Note = memo(function Note({ id, data: { note }, selected }: NodeProps<NoteNode>) {
  const { t } = useTranslation("editor");
  const { changeNote } = useContext(ActionsContext);
  const editing = useContext(EditingContext) === id && changeNote !== undefined;
  return (
    <div data-tint={note.tint} className={cx("note", selected && "note-selected")}>
      {changeNote && selected && (
        <NodeResizer
          minWidth={4 * GRID}
          minHeight={3 * GRID}
          onResizeEnd={(_event, { width, height }) => changeNote(id, { width, height })}
        />
      )}
      {editing ? (
        <textarea
          // biome-ignore lint/a11y/noAutofocus: it was asked for by a double click or Enter
          autoFocus
          aria-label={t("note.text")}
          maxLength={10_000}
          className="nodrag nowheel"
          defaultValue={note.text}
          onBlur={(event) => changeNote(id, { text: event.target.value })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
      ) : (
        <NoteText text={note.text || t("note.empty")} />
      )}
    </div>
  );
});

/** A line that begins with `#` is a heading; nothing else is more than its words. */
function NoteText({ text }: { text: string }) {
  const lines = text.split("\n");
  return (
    <div className="note-text">
      {lines.map((line, number) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and are all drawn anew
        <p key={number} className={/^#+ /.test(line) ? "note-heading" : undefined}>
          {line.replace(/^#+ /, "") || "\u00a0"}
        </p>
      ))}
    </div>
  );
}
