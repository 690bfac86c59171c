// Which lines of a log are shown. Lines only ever come at the end, so only the new ones are looked at.
import type { LogLine } from "@/live/run-record";

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];
export type LogFilter = { level: Level; node: string | null; text: string };
export const EVERYTHING: LogFilter = { level: "debug", node: null, text: "" };

export function passes(line: LogLine, { level, node, text }: LogFilter): boolean {
  if (LEVELS.indexOf(line.level as Level) < LEVELS.indexOf(level)) return false;
  if (node !== null && line.node !== node) return false;
  return text === "" || `${line.message} ${line.node ?? ""}`.toLowerCase().includes(text.toLowerCase());
}

/** Keeps what passes between two drawings. */
export class FilteredLog {
  #filter = EVERYTHING;
  #seen = 0;
  #first: number | undefined;
  #last: number | undefined;
  #found: LogLine[] = [];

  of(lines: readonly LogLine[], filter: LogFilter): readonly LogLine[] {
    if (filter.level === "debug" && filter.node === null && filter.text === "") return lines;
    const grewAtEnd = this.#first === lines[0]?.seq && this.#last === lines[this.#seen - 1]?.seq;
    if (filter !== this.#filter || !grewAtEnd) {
      this.#filter = filter;
      this.#seen = 0;
      this.#found = [];
    }
    for (; this.#seen < lines.length; this.#seen++) {
      const line = lines[this.#seen];
      if (line && passes(line, filter)) this.#found.push(line);
    }
    this.#first = lines[0]?.seq;
    this.#last = lines.at(-1)?.seq;
    return this.#found;
  }
}

/** The part of a long list that is in sight, with a few rows around it. */
export function windowOf(count: number, rowHeight: number, scrolled: number, height: number): [number, number] {
  const around = 8;
  const first = Math.max(0, Math.floor(scrolled / rowHeight) - around);
  return [first, Math.min(count, Math.ceil((scrolled + height) / rowHeight) + around)];
}

/** How many lines stand behind the one of this number. */
export function addedAtEnd(lines: readonly LogLine[], after: number): number {
  let added = 0;
  while ((lines[lines.length - 1 - added]?.seq ?? 0) > after) added++;
  return added;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Extended_Pictographic}/u;

/** As much of a text as so many cells of a font of one width hold; East Asian letters and pictures take two. */
export function fitted(text: string, cells: number): string {
  let taken = 0;
  let kept = "";
  for (const letter of text) {
    taken += WIDE.test(letter) ? 2 : 1;
    if (taken > cells) return `${[...kept].slice(0, -1).join("")}…`;
    kept += letter;
  }
  return text;
}

/** A log as a text file has it. */
export const asText = (lines: readonly LogLine[]): string =>
  lines
    .map(({ time, level, node, message, fields }) => {
      const more = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
      return `${time} ${level.toUpperCase().padEnd(7)} ${node ?? "-"} ${message}${more}\n`;
    })
    .join("");
