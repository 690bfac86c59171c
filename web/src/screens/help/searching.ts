// What a search in help finds: pages and node types, the best first.
import type { NodeType } from "@/editor/store/types";
import type { HelpPage } from "./content";

export type Found = { path: string; title: string; kind: "page" | "node"; excerpt: string };
const AROUND = 70;

type Hit = Found & { score: number };

/** Every word has to be there; in a title it counts most, and a node's exact name before all. */
export function searchHelp(pages: HelpPage[], types: NodeType[], search: string): Found[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const hits: Hit[] = [
    ...types.map((type) => ({
      path: `/help/${type.type}`,
      title: type.title,
      kind: "node" as const,
      excerpt: type.description,
      score: scored(words, `${type.title} ${type.type}`, type.description),
    })),
    ...pages.map((page) => ({
      path: `/help/${page.slug}`,
      title: page.title,
      kind: "page" as const,
      excerpt: excerptOf(page.words, words),
      score: scored(words, page.title, page.words),
    })),
  ];
  return hits
    .filter((hit) => hit.score > 0)
    .sort((one, other) => other.score - one.score || one.title.localeCompare(other.title));
}

function scored(words: string[], title: string, body: string): number {
  const [head, text] = [title.toLowerCase(), body.toLowerCase()];
  let score = 0;
  for (const word of words) {
    if (head.split(/[\s._]+/).includes(word)) score += 10;
    else if (head.includes(word)) score += 5;
    else if (text.includes(word)) score += 1;
    else return 0;
  }
  return score;
}

/** The words around the first hit. */
export function excerptOf(text: string, words: string[]): string {
  const lower = text.toLowerCase();
  const first = Math.min(...words.map((word) => lower.indexOf(word)).filter((at) => at >= 0));
  if (!Number.isFinite(first)) return text.slice(0, 2 * AROUND);
  const from = Math.max(0, text.lastIndexOf(" ", Math.max(0, first - AROUND)) + 1);
  const to = Math.min(text.length, first + AROUND);
  return `${from > 0 ? "… " : ""}${text.slice(from, to)}${to < text.length ? " …" : ""}`;
}
