import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath } from "@xyflow/react";
import { Plus, Trash2 } from "lucide-react";
import { memo, useContext } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { ActionsContext, HoveredContext, PlainContext } from "./context";
import type { FlowEdge } from "./flow";
import { useEdgeMark } from "./marks";

/** A connection, with what went over it, and what can be done to it under the pointer. */
export const Wire = memo(function Wire(props: EdgeProps<FlowEdge>) {
  const { id, selected, data } = props;
  const mark = useEdgeMark(id);
  const hovered = useContext(HoveredContext) === id;
  const plain = useContext(PlainContext);
  const { addInto } = useContext(ActionsContext);
  const { t } = useTranslation("editor");
  const [path, x, y] = getBezierPath(props);
  const items = mark?.items;
  const words = mark?.invalid ?? (items === undefined || items === null ? null : t("wire.items", { count: items }));
  return (
    <>
      <BaseEdge
        path={path}
        interactionWidth={addInto ? 16 : 0}
        className={cx(
          "wire",
          data?.error && "wire-error",
          mark?.status && `wire-${mark.status}`,
          mark?.change && `wire-${mark.change}`,
          mark?.invalid && "wire-invalid",
          (selected || hovered) && "wire-selected",
        )}
      />
      {addInto && hovered ? (
        <WireTools id={id} x={x} y={y} />
      ) : (
        !plain &&
        words !== null && (
          <EdgeLabelRenderer>
            <span
              className={cx("wire-label", mark?.invalid && "text-bad")}
              style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            >
              {words}
            </span>
          </EdgeLabelRenderer>
        )
      )}
    </>
  );
});

function WireTools({ id, x, y }: { id: string; x: number; y: number }) {
  const { addInto, removeConnection } = useContext(ActionsContext);
  const { t } = useTranslation("editor");
  return (
    <EdgeLabelRenderer>
      <span
        className="wire-tools nodrag nopan"
        style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
        data-wire={id}
      >
        <button type="button" aria-label={t("wire.add")} title={t("wire.add")} onClick={() => addInto?.(id)}>
          <Plus size={14} aria-hidden />
        </button>
        <button
          type="button"
          aria-label={t("wire.remove")}
          title={t("wire.remove")}
          onClick={() => removeConnection?.(id)}
        >
          <Trash2 size={13} aria-hidden />
        </button>
      </span>
    </EdgeLabelRenderer>
  );
}
