// Finding node types by words: in their title first, then in what they are for.
import type { NodeType } from "../store/types";

export const CATEGORIES = [
  "trigger",
  "market",
  "indicator",
  "condition",
  "risk",
  "order",
  "notify",
  "utility",
  "database",
  "ml",
];

/** How well a type answers the words: 0 for not at all. Each word has to be found. */
function score(type: NodeType, words: readonly string[]): number {
  const title = type.title.toLowerCase();
  const name = type.type.toLowerCase();
  const description = type.description.toLowerCase();
  let total = 0;
  for (const word of words) {
    const found = title.startsWith(word)
      ? 8
      : title.split(/\W+/).some((part) => part.startsWith(word))
        ? 6
        : title.includes(word)
          ? 4
          : name.includes(word)
            ? 3
            : description.includes(word)
              ? 1
              : 0;
    if (found === 0) return 0;
    total += found;
  }
  return total;
}

type Section = { category: string; types: NodeType[] };

/** The types that answer, by category; the best category first while something is searched for. */
export function sections(types: Iterable<NodeType>, search: string, noTriggers: boolean): Section[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const scored = [...types]
    .filter((type) => !noTriggers || type.kind !== "trigger")
    .map((type) => ({ type, points: words.length ? score(type, words) : 1 }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points);
  const by = new Map<string, NodeType[]>(words.length ? [] : CATEGORIES.map((category) => [category, []]));
  for (const { type } of scored) by.set(type.category, [...(by.get(type.category) ?? []), type]);
  return [...by].filter(([, types]) => types.length > 0).map(([category, types]) => ({ category, types }));
}
