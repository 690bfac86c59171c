import { Handle, type NodeProps, Position } from "@xyflow/react";
import { CircleAlert, CircleCheck, CircleDashed, CircleX, Clock, LoaderCircle, Pause, Pin, Plus } from "lucide-react";
import { memo, type ReactNode, useContext } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { duration } from "@/ui/format";
import { ActionsContext, PlainContext } from "./context";
import type { CardData, CardNode } from "./flow";
import { portY } from "./geometry";
import { iconOf } from "./icons";
import { type NodeMark, useNodeMark } from "./marks";
import { summaryOf } from "./summary";

/** The one component of all node types: their declarations say how it looks. */
export const NodeCard = memo(function NodeCard({ id, data, selected, isConnectable }: NodeProps<CardNode>) {
  const plain = useContext(PlainContext);
  const mark = useNodeMark(id);
  const { t } = useTranslation("editor");
  const { node, type, ports } = data;
  const label = node.name || node.id;
  const state = mark?.status ? t(`app:status.${mark.status}`) : "";
  return (
    <>
      <section
        aria-label={[label, type?.title ?? node.type, state, mark?.problem, node.disabled && t("node.disabled")]
          .filter(Boolean)
          .join(", ")}
        data-category={type?.category ?? node.type.split(".")[0]}
        data-status={mark?.status}
        data-change={mark?.change}
        data-problem={mark?.problem ? "" : undefined}
        className={cx(
          "node-card",
          type?.kind === "trigger" && "node-trigger",
          selected && "node-selected",
          node.disabled && "node-disabled",
        )}
      >
        {plain ? <PlainFace data={data} label={label} /> : <Face data={data} label={label} mark={mark} />}
        <CornerMarks mark={mark} />
      </section>
      {type?.kind !== "trigger" && (
        <Handle id="main" type="target" position={Position.Left} isConnectable={isConnectable} className="port" />
      )}
      {ports.map((port, position) => (
        <Port
          key={port.name}
          data={data}
          name={port.name}
          title={port.title}
          y={portY(position, ports.length)}
          labelled={!plain && ports.length > 1}
          connectable={isConnectable}
        />
      ))}
    </>
  );
});

function PlainFace({ data: { type }, label }: { data: CardData; label: string }) {
  const Icon = iconOf(type?.icon);
  return (
    <>
      <span className="node-icon node-icon-plain">
        <Icon size={30} aria-hidden />
      </span>
      <span className="node-plain-name">{label}</span>
    </>
  );
}

function Face({ data: { node, type }, label, mark }: { data: CardData; label: string; mark: NodeMark | undefined }) {
  const { t } = useTranslation("editor");
  const Icon = iconOf(type?.icon);
  const summary = summaryOf(node);
  const kind = type?.title ?? node.type;
  return (
    <>
      <span className="node-icon">
        <Icon size={20} aria-hidden />
      </span>
      <span className="min-w-0 flex-1">
        <span className="node-name" title={label}>
          {label}
        </span>
        <span className="node-summary" title={summary || kind}>
          {summary || (kind === label ? t(`category.${type?.category ?? "utility"}`) : kind)}
        </span>
      </span>
      <StatusBadge mark={mark} />
      {mark?.durationMs !== undefined && mark.durationMs !== null && (
        <span className="node-duration">
          {duration(mark.durationMs)}
          {(mark.runs ?? 1) > 1 && ` · ×${mark.runs}`}
        </span>
      )}
    </>
  );
}

/** Shown from afar too: where a run pauses, and what does not run. */
function CornerMarks({ mark }: { mark: NodeMark | undefined }) {
  const { t } = useTranslation("editor");
  if (!mark?.breakpoint && !mark?.pinned) return null;
  return (
    <span className="node-corner-left">
      {mark.breakpoint && <span className="node-breakpoint" role="img" aria-label={t("node.breakpoint")} />}
      {mark.pinned && <Pin size={12} aria-label={t("node.pinned")} className="text-accent" />}
    </span>
  );
}

const BADGES: Record<string, [typeof CircleCheck, string]> = {
  running: [LoaderCircle, "text-accent animate-spin"],
  succeeded: [CircleCheck, "text-good"],
  failed: [CircleX, "text-bad"],
  timed_out: [CircleX, "text-bad"],
  waiting: [Clock, "text-accent"],
  paused: [Pause, "text-warn"],
  skipped: [CircleDashed, "text-soft"],
};

function StatusBadge({ mark }: { mark: NodeMark | undefined }): ReactNode {
  if (!mark) return null;
  const [Icon, look] = BADGES[mark.status ?? ""] ?? [];
  if (Icon) {
    return (
      <span className="node-badge" title={mark.problem}>
        <Icon size={16} aria-hidden className={look} />
      </span>
    );
  }
  if (!mark.problem && !mark.warning) return null;
  return (
    <span className="node-badge" title={mark.problem ?? mark.warning}>
      <CircleAlert size={16} aria-hidden className={mark.problem ? "text-bad" : "text-warn"} />
    </span>
  );
}

function Port(props: {
  data: CardData;
  name: string;
  title: string;
  y: number;
  labelled: boolean;
  connectable: boolean;
}) {
  const { data, name, title, y, labelled, connectable } = props;
  const { addAfter } = useContext(ActionsContext);
  const plain = useContext(PlainContext);
  const { t } = useTranslation("editor");
  const free = !data.used.includes(name);
  return (
    <>
      <Handle
        id={name}
        type="source"
        position={Position.Right}
        isConnectable={connectable}
        className={cx("port", name === "error" && "port-error")}
        style={{ top: y }}
      />
      {labelled && (
        <span className={cx("port-label", name === "error" && "text-bad")} style={{ top: y }}>
          {title}
        </span>
      )}
      {addAfter && free && !plain && (
        <button
          type="button"
          tabIndex={-1}
          className={cx("port-add nodrag nopan", labelled && "port-add-far")}
          style={{ top: y }}
          aria-label={t("node.addAfter", { node: data.node.name || data.node.id, port: title })}
          title={t("node.addAfterShort")}
          onClick={() => addAfter(data.node.id, name)}
        >
          <Plus size={12} aria-hidden />
        </button>
      )}
    </>
  );
}
