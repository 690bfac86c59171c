import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { type Change, type Diff, isEmpty, type NodeChange, shown } from "./diff";
import type { Version } from "./queries";

const TONES: Record<NodeChange["kind"], Tone> = { added: "good", removed: "bad", changed: "warn" };

/** The same as the picture shows, in words and values. */
export function Changes(props: {
  diff: Diff | undefined;
  base: Version | undefined;
  selected: string | null;
  select: (node: string | null) => void;
}) {
  const { t } = useTranslation("versions");
  const { diff, base, selected, select } = props;
  return (
    <section
      aria-label={t("changes")}
      className="flex min-h-0 flex-col gap-3 overflow-y-auto border-l border-line bg-surface p-4 max-xl:border-t max-xl:border-l-0"
    >
      <h2>{t("changes")}</h2>
      {diff === undefined || base === undefined ? (
        <p className="text-soft">{t(base === undefined ? "first" : "app:loading")}</p>
      ) : (
        <>
          <p className="text-soft">{t("legend", { number: base.number })}</p>
          {isEmpty(diff) && <p>{t(diff.moved.length > 0 ? "same" : "equal")}</p>}
          <Counts diff={diff} />
          <ul className="flex flex-col gap-2">
            {diff.nodes.map((node) => (
              <NodeEntry
                key={node.id}
                node={node}
                selected={selected === node.id}
                select={() => select(selected === node.id ? null : node.id)}
              />
            ))}
          </ul>
          {diff.workflow.length > 0 && (
            <Part title={t("settings")}>
              <Values changes={diff.workflow} />
            </Part>
          )}
          <Wires diff={diff} />
        </>
      )}
    </section>
  );
}

function Counts({ diff }: { diff: Diff }) {
  const { t } = useTranslation("versions");
  const of = (kind: NodeChange["kind"]) => diff.nodes.filter((node) => node.kind === kind).length;
  const counts: [string, number, Tone][] = [
    ["added", of("added"), "good"],
    ["removed", of("removed"), "bad"],
    ["changed", of("changed"), "warn"],
    ["wires", diff.connections.length, "neutral"],
    ["settings", diff.workflow.length, "neutral"],
  ];
  return (
    <p className="flex flex-wrap gap-1.5">
      {counts.map(
        ([word, count, tone]) =>
          count > 0 && (
            <Badge key={word} tone={tone}>
              {t(`count.${word}`, { count })}
            </Badge>
          ),
      )}
    </p>
  );
}

function NodeEntry({ node, selected, select }: { node: NodeChange; selected: boolean; select: () => void }) {
  const { t } = useTranslation("versions");
  return (
    <li>
      <button
        type="button"
        aria-pressed={selected}
        onClick={select}
        className={cx(
          "flex w-full flex-col gap-1 rounded-lg border p-2.5 text-left",
          selected ? "border-accent" : "border-line hover:border-line-strong",
        )}
      >
        <span className="flex items-center justify-between gap-2">
          <span className="min-w-0 truncate font-medium">{node.name}</span>
          <Badge tone={TONES[node.kind]}>{t(node.kind)}</Badge>
        </span>
        <span className="text-xs text-soft">{node.type}</span>
        <Values changes={node.changes} />
      </button>
    </li>
  );
}

function Values({ changes }: { changes: Change[] }) {
  return (
    <span className="flex flex-col gap-1">
      {changes.map(({ path, before, after }) => (
        <span key={path} className="flex flex-col text-xs">
          <span className="font-mono text-soft">{path}</span>
          <span className="flex flex-wrap items-center gap-1 font-mono">
            <Value value={before} look="bg-bad-soft line-through" />
            <ArrowRight size={12} aria-hidden />
            <Value value={after} look="bg-good-soft" />
          </span>
        </span>
      ))}
    </span>
  );
}

function Value({ value, look }: { value: unknown; look: string }) {
  const { t } = useTranslation("versions");
  const text = shown(value);
  return (
    <span className={cx("max-w-full rounded px-1 break-words", text === null ? "text-soft italic" : look)}>
      {text ?? t("unset")}
    </span>
  );
}

function Wires({ diff }: { diff: Diff }) {
  const { t } = useTranslation("versions");
  if (diff.connections.length === 0) return null;
  return (
    <Part title={t("wires")}>
      <ul className="flex flex-col gap-1 font-mono text-xs">
        {diff.connections.map(({ connection: { source, source_port, target }, kind }) => (
          <li key={`${kind} ${source} ${source_port} ${target}`} className="flex items-center gap-1.5">
            <Badge tone={TONES[kind]}>{t(kind)}</Badge>
            {source}
            {source_port !== "main" && `.${source_port}`}
            <ArrowRight size={12} aria-hidden />
            {target}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1.5">
      <h3 className="text-sm font-medium">{title}</h3>
      {children}
    </div>
  );
}
