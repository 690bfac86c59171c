import { useQueries } from "@tanstack/react-query";
import { ChevronRight, History, Pin, Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { nodeSchemaQuery } from "@/api/queries";
import type { JsonSchema } from "@/forms/schema";
import { useTarget } from "@/forms/surroundings";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { Empty } from "@/ui/Empty";
import { moment } from "@/ui/format";
import { iconOf } from "../canvas/icons";
import { useTypes } from "../canvas/types";
import { type Branch, branchesOf, filtered, type Known, promisedOf, type Source, type Turn } from "./data";
import { Shown, type View, Views } from "./Shown";
import type { RunRecord } from "./usePanel";

type Given = Source & { root: string; known: Known | undefined; branches: Branch[] };

/** Every source with the fields it has, or will have by its type; in a loop its item first, as the last turn had it. */
export function useGiven(
  sources: Source[],
  known: Map<string, Known>,
  inLoop: boolean,
  turn: Turn | null = null,
): Given[] {
  const types = [...new Set(sources.map((source) => source.type))];
  const schemas = useQueries({ queries: types.map((type) => nodeSchemaQuery(type)) });
  const read = schemas.map((each) => each.data);
  const stamp = read.filter(Boolean).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: schemas do not change once they are read
  return useMemo(() => {
    const given: Given[] = sources.map((source) => {
      const root = `nodes.${source.id}`;
      const one = known.get(source.id);
      const schema = read[types.indexOf(source.type)]?.output_schema as JsonSchema | undefined;
      const failed = one?.state === "failed";
      const branches =
        one && !failed && one.output !== null && one.output !== undefined
          ? branchesOf(one.output, root, schema)
          : schema && !failed
            ? promisedOf(schema, root)
            : [];
      return { ...source, root, known: one, branches };
    });
    if (!inLoop) return given;
    const item = branchesOf(turn ?? { item: null, index: 0 }, "").map((branch) => unrooted(branch));
    const had: Known | undefined = turn
      ? { output: turn.item, state: "succeeded", port: null, from: "run" }
      : undefined;
    return [{ id: "item", name: "item", type: "", direct: true, root: "item", known: had, branches: item }, ...given];
  }, [sources, known, inLoop, turn, stamp]);
}

/** `item` and `index` are roots themselves. */
const unrooted = (branch: Branch): Branch => ({
  ...branch,
  source: branch.source.replace(/^\./, ""),
  children: branch.children.map(unrooted),
});

/** What the node sees: outputs of those before it, ready to be dragged into its settings. */
export function InputColumn({ given, run, trigger }: { given: Given[]; run: RunRecord | null; trigger: boolean }) {
  const { t } = useTranslation("panel");
  const [view, setView] = useState<View>("schema");
  const [words, setWords] = useState("");
  const target = useTarget((state) => state.target);
  return (
    <section aria-label={t("input.label")} className="flex min-h-0 min-w-0 flex-col bg-canvas">
      <header className="flex h-12 shrink-0 items-center justify-between gap-2 border-b border-line px-4">
        <h3 className="text-xs font-semibold tracking-widest text-soft uppercase">{t("input.label")}</h3>
        {!trigger && (
          <Views label={t("input.views")} views={["schema", "table", "json"]} view={view} onChange={setView} />
        )}
      </header>
      {trigger ? (
        <div className="p-4">
          <Empty title={t("input.trigger")}>{t("input.triggerLead")}</Empty>
        </div>
      ) : (
        <>
          <label className="relative mx-4 mt-3 shrink-0">
            <span className="sr-only">{t("input.search")}</span>
            <Search size={14} aria-hidden className="absolute top-2 left-2.5 text-soft" />
            <input
              type="search"
              value={words}
              onChange={(event) => setWords(event.target.value)}
              placeholder={t("input.search")}
              className="h-8 w-full rounded-md border border-line bg-surface pr-2 pl-8 text-[13px]"
            />
          </label>
          <div className="min-h-0 flex-1 overflow-y-auto p-4">
            {given.length === 0 ? (
              <Empty title={t("input.none")}>{t("input.noneLead")}</Empty>
            ) : (
              <div className="flex flex-col gap-2">
                {given.map((each, index) => (
                  <SourceCard key={each.id} given={each} view={view} words={words} open={index === 0 || each.direct} />
                ))}
              </div>
            )}
          </div>
          <footer className="shrink-0 border-t border-line px-4 py-2 text-xs text-soft">
            {run ? (
              <p className="flex items-center gap-1.5">
                <History size={13} aria-hidden /> {t("input.run", { time: moment(run.as_of) })}
              </p>
            ) : (
              <p>{t("input.noRun")}</p>
            )}
            <p aria-live="polite">{target ? t("input.target", { field: target.title }) : t("input.how")}</p>
          </footer>
        </>
      )}
    </section>
  );
}

function SourceCard({ given, view, words, open }: { given: Given; view: View; words: string; open: boolean }) {
  const { t } = useTranslation("panel");
  const types = useTypes();
  const [opened, setOpened] = useState(open);
  const Icon = iconOf(types?.get(given.type)?.icon);
  const branches = filtered(given.branches, words);
  const { known } = given;
  const shows = opened || words !== "";
  if (words !== "" && branches.length === 0) return null;
  return (
    <div className="rounded-lg border border-line bg-surface">
      <button
        type="button"
        aria-expanded={shows}
        onClick={() => setOpened(!opened)}
        className="flex w-full min-w-0 items-center gap-2 px-2.5 py-2 text-left"
      >
        <ChevronRight
          size={14}
          aria-hidden
          className={cx("shrink-0 text-soft transition-transform", shows && "rotate-90")}
        />
        <Icon size={15} aria-hidden className="shrink-0 text-accent" />
        <span className="min-w-0 flex-1 truncate font-medium">
          {given.id === "item" ? t("input.loop") : given.name}
        </span>
        <State known={known} />
      </button>
      {shows && (
        <div className="border-t border-line px-2 py-2">
          {known?.state === "failed" ? (
            <p className="px-1 text-xs text-bad">
              {known.error?.name}: {known.error?.message}
            </p>
          ) : (
            <Shown
              view={known || given.id === "item" ? view : "schema"}
              value={known?.output ?? {}}
              source={given.root}
              branches={branches}
              mapped
            />
          )}
        </div>
      )}
    </div>
  );
}

function State({ known }: { known: Known | undefined }) {
  const { t } = useTranslation("panel");
  if (!known) return <span className="text-xs text-soft">{t("input.promised")}</span>;
  if (known.from === "pin")
    return (
      <Badge tone="accent">
        <Pin size={11} aria-hidden /> {t("pinned")}
      </Badge>
    );
  if (known.state !== "succeeded") return <Badge tone="bad">{t(`app:status.${known.state}`)}</Badge>;
  return known.port && known.port !== "main" ? <Badge>{known.port}</Badge> : null;
}
