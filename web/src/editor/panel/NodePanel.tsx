// The node panel: what a node sees, how it is set, what it gives.
import { useQuery } from "@tanstack/react-query";
import { CircleHelp, FlaskConical, X } from "lucide-react";
import { Dialog as Radix, Tabs } from "radix-ui";
import { type KeyboardEvent, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api, told } from "@/api/client";
import { SchemaForm } from "@/forms/SchemaForm";
import { fieldsOf, type JsonSchema } from "@/forms/schema";
import { type Completion, useTarget } from "@/forms/surroundings";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Failure, Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { iconOf } from "../canvas/icons";
import { editNode, useEditor, useNode } from "../store/store";
import type { NodeDoc } from "../store/types";
import { completionsOf, sourcesOf } from "./data";
import { InputColumn, useGiven } from "./InputColumn";
import { NodeAbout } from "./NodeAbout";
import { NodeSettings } from "./NodeSettings";
import { OutputColumn } from "./OutputColumn";
import { Column, PaneChoice, showPane } from "./Panes";
import { useKnown, usePreview, useSchema, useTest } from "./usePanel";

type Props = { workflowId: string | null; nodeId: string; onClose: () => void };

export function NodePanel({ workflowId, nodeId, onClose }: Props) {
  const node = useNode(nodeId);
  const { t } = useTranslation("panel");
  const take = useTarget((state) => state.take);
  useEffect(() => {
    showPane("form");
    return () => take(null);
  }, [take]);
  if (!node) return null;
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Radix.Content
          aria-describedby={undefined}
          onEscapeKeyDown={(event) => document.querySelector(".cm-tooltip-autocomplete") && event.preventDefault()}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            (event.currentTarget as HTMLElement | null)?.focus();
          }}
          onKeyDown={toReferences}
          tabIndex={-1}
          className="fixed inset-0 z-40 flex flex-col overflow-hidden bg-surface shadow-raised outline-none md:inset-x-6 md:top-6 md:bottom-4 md:rounded-xl md:border md:border-line"
        >
          <Radix.Title className="sr-only">{t("title", { name: node.name || node.id })}</Radix.Title>
          <Inside key={nodeId} workflowId={workflowId} node={node} onClose={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** From a setting straight to what can be put into it: Tab would come by other settings, and take them instead. */
function toReferences(event: KeyboardEvent<HTMLElement>): void {
  if (!event.altKey || event.code !== "KeyI") return;
  event.preventDefault();
  event.currentTarget.querySelector<HTMLElement>("[data-reference]")?.focus();
}

function Inside({ workflowId, node, onClose }: { workflowId: string | null; node: NodeDoc; onClose: () => void }) {
  const { t } = useTranslation("panel");
  const graph = useEditor((state) => state.document);
  const { run, known, reading } = useKnown(workflowId);
  const preview = usePreview(workflowId, node.id, run);
  const { data: type, error } = useSchema(node.type);
  const sources = useMemo(() => sourcesOf(graph, node.id), [graph, node.id]);
  const given = useGiven(sources, known, !!node.parent, preview.turn);
  const { test, testing } = useTesting(workflowId, node, run, known);
  const completions = useCompletions(given);
  const schema = type?.config_schema as JsonSchema | undefined;
  const surroundings = useMemo(
    () => ({
      expressions: true,
      problems: preview.problems,
      previews: preview.previews,
      account: String(graph.settings.broker_account ?? "paper"),
      completions,
      prefix: "config",
    }),
    [preview, graph.settings.broker_account, completions],
  );
  return (
    <>
      <Header
        node={node}
        title={type?.title ?? node.type}
        icon={type?.icon}
        category={type?.category}
        onClose={onClose}
      />
      <PaneChoice />
      <div className="grid min-h-0 flex-1 grid-cols-1 grid-rows-[minmax(0,1fr)] overflow-hidden md:grid-cols-[minmax(16rem,1fr)_minmax(22rem,1.15fr)_minmax(18rem,1.1fr)]">
        <Column pane="input">
          <InputColumn given={given} run={run} trigger={type?.kind === "trigger"} />
        </Column>
        <Column pane="form">
          <Tabs.Root defaultValue="parameters" className="flex min-h-0 min-w-0 flex-col border-line md:border-x">
            <div className="flex h-12 shrink-0 items-center justify-between gap-2 border-b border-line px-4">
              <Tabs.List aria-label={t("tabs.label")} className="flex h-full gap-4">
                <Tab value="parameters" wrong={preview.problems.some((each) => each.severity !== "warning")} />
                <Tab value="settings" wrong={preview.others.some((each) => each.severity !== "warning")} />
                <Tab value="about" wrong={false} />
              </Tabs.List>
              {/* A test before the last run is read would be a test on nothing. */}
              <Button small tone="primary" disabled={testing || reading} onClick={test}>
                <FlaskConical size={14} aria-hidden /> {t(testing ? "testing" : "test")}
              </Button>
            </div>
            <Tabs.Content value="parameters" className="min-h-0 flex-1 overflow-y-auto p-5 outline-none">
              <Failure error={error ?? preview.error} />
              {preview.others.map((each) => (
                <div key={each.message} className="mb-3">
                  <Notice tone={each.severity === "warning" ? "warn" : "bad"}>
                    {each.message} {each.hint && <span className="text-soft">{each.hint}</span>}
                  </Notice>
                </div>
              ))}
              {schema && fieldsOf(schema).length === 0 && <p className="text-soft">{t("nothing")}</p>}
              {schema && (
                <SchemaForm
                  schema={schema}
                  value={node.config}
                  onChange={(config, field) => editNode(node.id, { config }, field)}
                  surroundings={surroundings}
                />
              )}
            </Tabs.Content>
            <Tabs.Content value="settings" className="min-h-0 flex-1 overflow-y-auto p-5 outline-none">
              <NodeSettings node={node} problems={preview.others} />
            </Tabs.Content>
            <Tabs.Content value="about" className="min-h-0 flex-1 overflow-y-auto p-5 outline-none">
              <NodeAbout node={node} />
            </Tabs.Content>
          </Tabs.Root>
        </Column>
        <Column pane="output">
          <OutputColumn workflowId={workflowId} node={node} known={known} values={preview.values} testing={testing} />
        </Column>
      </div>
    </>
  );
}

function Header({
  node,
  title,
  icon,
  category,
  onClose,
}: {
  node: NodeDoc;
  title: string;
  icon: string | undefined;
  category: string | undefined;
  onClose: () => void;
}) {
  const { t } = useTranslation("panel");
  const Icon = iconOf(icon);
  return (
    <div className="flex h-14 shrink-0 items-center gap-3 border-b border-line px-4">
      <span
        className="grid size-8 shrink-0 place-items-center rounded-lg text-surface"
        style={{ background: `var(--cat-${category ?? "utility"})` }}
      >
        <Icon size={17} aria-hidden />
      </span>
      <input
        aria-label={t("name")}
        value={node.name ?? ""}
        placeholder={node.id}
        maxLength={120}
        onChange={(event) => editNode(node.id, { name: event.target.value }, "name")}
        className="h-8 min-w-0 max-w-96 flex-1 rounded-md border border-transparent bg-transparent px-2 text-base font-semibold hover:border-line focus:border-line-strong"
      />
      <span className="hidden truncate text-soft sm:inline">
        {title} · <code className="font-mono text-xs">{node.id}</code>
      </span>
      <span className="flex-1" />
      <Link href={`/help/${node.type}`} className="flex items-center gap-1 text-sm text-soft hover:text-accent">
        <CircleHelp size={15} aria-hidden /> <span className="max-sm:sr-only">{t("docs")}</span>
      </Link>
      <Radix.Close asChild>
        <IconButton label={t("close")} onClick={onClose}>
          <X size={17} aria-hidden />
        </IconButton>
      </Radix.Close>
    </div>
  );
}

function Tab({ value, wrong }: { value: string; wrong: boolean }) {
  const { t } = useTranslation("panel");
  return (
    <Tabs.Trigger
      value={value}
      className={cx(
        "relative h-full border-b-2 border-transparent text-sm font-medium text-soft hover:text-ink",
        "data-[state=active]:border-accent data-[state=active]:text-accent",
      )}
    >
      {t(`tabs.${value}`)}
      {wrong && (
        <span className="absolute top-2.5 -right-2.5 size-1.5 rounded-full bg-bad" title={t("tabs.wrong")}>
          <span className="sr-only">{t("tabs.wrong")}</span>
        </span>
      )}
    </Tabs.Trigger>
  );
}

function useTesting(...what: Parameters<typeof useTest>) {
  const run = useTest(...what);
  const [testing, setTesting] = useState(false);
  const test = () => {
    setTesting(true);
    showPane("output");
    run()
      .catch(toast.failed)
      .finally(() => setTesting(false));
  };
  return { test, testing };
}

const functionsQuery = {
  queryKey: ["expression-functions"],
  queryFn: () => told(api.GET("/api/agentic/expressions/functions")),
  staleTime: Number.POSITIVE_INFINITY,
};

function useCompletions(given: ReturnType<typeof useGiven>): Completion[] {
  const { data } = useQuery(functionsQuery);
  return useMemo(
    () => [
      ...given.flatMap((each) => completionsOf(each.branches, each.name)),
      ...(data?.items ?? []).map(
        (each): Completion => ({ label: each.name, detail: each.signature, info: each.help, kind: "function" }),
      ),
    ],
    [given, data],
  );
}
