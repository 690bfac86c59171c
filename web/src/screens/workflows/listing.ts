// What the list shows of each workflow, and which of them in which order. No screen code here.
import type { Schemas } from "@/api/client";

export type Summary = Schemas["WorkflowSummary"];
export type Result = { trades: number; net: number; currency: string };

export type Listed = Summary & {
  /** One of each currency its account traded in. */
  results: Result[];
};

export type Show = "all" | "active" | "inactive" | "failing";
export type Sort = "changed" | "name" | "run" | "profit" | "next";
export type View = { search: string; show: Show; tags: string[]; sort: Sort };

export const endedBadly = (status: string): boolean => status === "failed" || status === "timed_out";

export function listed(workflows: Summary[], sums: Schemas["TradeSummaryItem"][]): Listed[] {
  return workflows.map((workflow) => ({
    ...workflow,
    results: resultsOf(sums.filter((sum) => sum.workflow_id === workflow.id && sum.account === workflow.account)),
  }));
}

/** Added up over the replays of its market. What the private test account made is not among them. */
function resultsOf(sums: Schemas["TradeSummaryItem"][]): Result[] {
  const results = new Map<string, Result>();
  for (const { currency, count, net } of sums) {
    const before = results.get(currency) ?? { currency, trades: 0, net: 0 };
    results.set(currency, { currency, trades: before.trades + count, net: before.net + net });
  }
  return [...results.values()];
}

export const failing = ({ last_run }: Listed): boolean =>
  last_run != null && (endedBadly(last_run.status) || last_run.has_errors === true);

const SHOWN: Record<Show, (workflow: Listed) => boolean> = {
  all: () => true,
  active: (workflow) => workflow.active,
  inactive: (workflow) => !workflow.active,
  failing,
};

/** Currencies cannot be added up; the largest figure is what a list is sorted by. */
const profitOf = (workflow: Listed): number =>
  workflow.results.length === 0 ? Number.NEGATIVE_INFINITY : Math.max(...workflow.results.map((result) => result.net));

const ORDER: Record<Sort, (one: Listed, other: Listed) => number> = {
  changed: (one, other) => other.updated_at.localeCompare(one.updated_at),
  name: (one, other) => one.name.localeCompare(other.name),
  run: (one, other) => (other.last_run?.started_at ?? "").localeCompare(one.last_run?.started_at ?? ""),
  profit: (one, other) => profitOf(other) - profitOf(one),
  next: (one, other) => (one.next_fire ?? "9").localeCompare(other.next_fire ?? "9"),
};

const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Every word of the search is in the name, description, tags or account; every chosen tag is on the workflow. */
export function chosen(workflows: Listed[], view: View): Listed[] {
  const words = plain(view.search).split(/\s+/).filter(Boolean);
  return workflows
    .filter((workflow) => {
      const text = plain([workflow.name, workflow.description, workflow.account, ...(workflow.tags ?? [])].join(" "));
      return (
        SHOWN[view.show](workflow) &&
        view.tags.every((tag) => workflow.tags?.includes(tag)) &&
        words.every((word) => text.includes(word))
      );
    })
    .sort((one, other) => ORDER[view.sort](one, other) || one.name.localeCompare(other.name));
}

/** All tags in use, by how many workflows carry them. */
export function tagsOf(workflows: Summary[]): [tag: string, count: number][] {
  const counts = new Map<string, number>();
  for (const tag of workflows.flatMap((workflow) => workflow.tags ?? [])) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([one, n], [other, m]) => m - n || one.localeCompare(other));
}

/** Tags as somebody typed them: trimmed, each once, none empty. */
export const typedTags = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];

/** A file name for a workflow's export that every system takes. */
export const fileName = (name: string): string =>
  `${
    plain(name)
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "workflow"
  }.json`;
