import type { Template } from "./queries";

export const CATEGORIES = ["trend", "mean_reversion", "breakout", "machine_learning", "risk"] as const;
export type Category = (typeof CATEGORIES)[number];

/** Every word is somewhere in what the template says, or in the types of its nodes. */
export function matching(templates: Template[], search: string, category: Category | null): Template[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return templates.filter((template) => {
    if (category !== null && template.category !== category) return false;
    const { name, summary, idea, market, tags, level } = template;
    const text = [name, summary, idea, market, level, ...tags, ...typesOf(template)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The node types a template is made of, in the order they are first met. */
export const typesOf = ({ document }: Pick<Template, "document">): string[] => [
  ...new Set(((document.nodes ?? []) as { type: string }[]).map((node) => node.type)),
];
