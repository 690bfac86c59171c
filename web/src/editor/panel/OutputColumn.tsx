import { CircleCheck, CircleX, PencilLine, Pin, PinOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { JsonSchema } from "@/forms/schema";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { duration } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import type { NodeDoc } from "../store/types";
import { branchesOf, type Known } from "./data";
import { EditOutput } from "./EditOutput";
import { IndicatorChart } from "./IndicatorChart";
import { Shown, type View, Views } from "./Shown";
import { type Tested, testKey, usePinning, useSchema, useTests } from "./usePanel";

const DRAWN = /^indicator\.(?!multi_timeframe)/;
const NO_PIN = new Set(["loop", "wait"]);

/** What a node gives: of a test here, as it is pinned, or in the last run; of an indicator also its drawing. */
export function OutputColumn({
  workflowId,
  node,
  known,
  values,
  testing,
}: {
  workflowId: string | null;
  node: NodeDoc;
  known: Map<string, Known>;
  /** The configuration with what its expressions give; null while something in it is wrong. */
  values: Record<string, unknown> | null;
  testing: boolean;
}) {
  const { t } = useTranslation("panel");
  const tested = useTests((state) => state.results[testKey(workflowId, node.id)]);
  const { data: type } = useSchema(node.type);
  const drawn = DRAWN.test(node.type);
  const [view, setView] = useState<View>(drawn ? "chart" : "schema");
  const [editing, setEditing] = useState(false);
  const { pin, unpin } = usePinning(workflowId, node.id);
  const recorded = known.get(node.id);
  const pinned = recorded?.from === "pin";
  const shows: Known | undefined = !pinned && tested ? ofTest(tested) : recorded;
  const pins = workflowId !== null && type !== undefined && !NO_PIN.has(type.kind);
  const act = (work: Promise<unknown>, done: string) => work.then(() => toast.done(done), toast.failed);
  const { state, port, output } = shows ?? {};
  return (
    <section aria-label={t("output.label")} className="flex min-h-0 min-w-0 flex-col bg-canvas">
      <header className="flex h-12 shrink-0 items-center gap-1.5 border-b border-line px-4">
        <h3 className="flex-1 text-xs font-semibold tracking-widest text-soft uppercase">{t("output.label")}</h3>
        <Views
          label={t("output.views")}
          views={drawn ? ["chart", "schema", "table", "json"] : ["schema", "table", "json"]}
          view={view}
          onChange={setView}
        />
        {pins && (
          <>
            <IconButton small label={t("output.edit")} onClick={() => setEditing(true)}>
              <PencilLine size={14} aria-hidden />
            </IconButton>
            {pinned ? (
              <IconButton small label={t("output.unpin")} onClick={() => act(unpin(), t("output.unpinned"))}>
                <PinOff size={14} aria-hidden />
              </IconButton>
            ) : (
              <IconButton
                small
                label={t("output.pin")}
                disabled={state !== "succeeded"}
                onClick={() => act(pin(output, port ?? "main"), t("output.pinned"))}
              >
                <Pin size={14} aria-hidden />
              </IconButton>
            )}
          </>
        )}
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto p-4" aria-busy={testing}>
        {view === "chart" ? (
          <IndicatorChart node={node} values={values} />
        ) : (
          <Standing shows={shows} tested={tested} pinned={pinned} />
        )}
        {view !== "chart" && shows?.state === "succeeded" && (
          <Shown
            view={view}
            value={output}
            source={`nodes.${node.id}`}
            branches={branchesOf(output, `nodes.${node.id}`, type?.output_schema as JsonSchema | undefined)}
            mapped={false}
          />
        )}
        {view !== "chart" && tested && !pinned && <Log lines={tested.logs ?? []} />}
      </div>
      {editing && (
        <EditOutput
          output={output ?? {}}
          port={port ?? "main"}
          ports={type?.ports ?? []}
          onClose={() => setEditing(false)}
          onPin={(changed, to) => pin(changed, to).then(() => toast.done(t("output.pinned")))}
        />
      )}
    </section>
  );
}

const ofTest = (tested: Tested): Known => ({
  output: tested.output,
  state: tested.state,
  port: tested.port ?? null,
  from: "test",
  error: tested.error ?? null,
  duration_ms: tested.duration_ms,
});

/** Where the output comes from and how it went. */
function Standing({
  shows,
  tested,
  pinned,
}: {
  shows: Known | undefined;
  tested: Tested | undefined;
  pinned: boolean;
}) {
  const { t } = useTranslation("panel");
  if (!shows) return <Empty title={t("output.none")}>{t("output.noneLead")}</Empty>;
  const failed = shows.state === "failed";
  return (
    <div className="mb-3 flex flex-col gap-2">
      <p className="flex flex-wrap items-center gap-1.5 text-xs text-soft">
        {pinned ? (
          <Badge tone="accent">
            <Pin size={11} aria-hidden /> {t("pinned")}
          </Badge>
        ) : (
          <Badge tone={failed ? "bad" : "good"}>
            {failed ? <CircleX size={12} aria-hidden /> : <CircleCheck size={12} aria-hidden />}
            {t(shows.from === "test" ? "output.test" : "output.run")}
          </Badge>
        )}
        {shows.port && <span>→ {shows.port}</span>}
        {!pinned && shows.duration_ms != null && <span>{duration(shows.duration_ms)}</span>}
      </p>
      {pinned && <Notice tone="accent">{t("output.pinnedLead")}</Notice>}
      {failed && (
        <Notice tone="bad">
          <p className="font-medium">{shows.error?.name}</p>
          <p>{shows.error?.message}</p>
        </Notice>
      )}
      {failed && tested === undefined && <p className="text-xs text-soft">{t("output.failedLead")}</p>}
    </div>
  );
}

function Log({ lines }: { lines: { seq: number; level: string; message: string }[] }) {
  const { t } = useTranslation("panel");
  if (lines.length === 0) return null;
  return (
    <details className="mt-3 text-xs" open={lines.length < 8}>
      <summary className="cursor-pointer font-medium text-soft">{t("output.log", { count: lines.length })}</summary>
      <ul className="mt-1 rounded-md bg-sunken p-2 font-mono">
        {lines.map((line) => (
          <li
            key={line.seq}
            className={line.level === "error" ? "text-bad" : line.level === "warning" ? "text-warn" : ""}
          >
            {line.message}
          </li>
        ))}
      </ul>
    </details>
  );
}
