// A node's configuration in a few words, as they stand on its card.
import type { NodeDoc } from "../store/types";

/** What says most, first. */
const TELLING = [
  "expression",
  "symbol",
  "symbols",
  "timeframe",
  "side",
  "indicator",
  "function",
  "period",
  "risk_pct",
  "volume",
  "level",
  "url",
  "title",
  "table",
  "seconds",
];
const WORDS = 3;

export function summaryOf(node: NodeDoc): string {
  const words: string[] = [];
  for (const field of TELLING) {
    const value = node.config[field];
    if (words.length === WORDS || value === undefined || value === null || value === "") continue;
    if (typeof value === "object" && !Array.isArray(value)) continue;
    words.push(field === "risk_pct" ? `${value} %` : String(value).replace(/^=\s*/, ""));
    if (field === "expression") break;
  }
  return words.join(" · ");
}
