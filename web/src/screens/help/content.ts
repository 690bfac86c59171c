// The pages of help: Markdown files, in the order they are read. A page that is not translated is shown in English.
import i18next from "i18next";
import { parse, plainText } from "@/ui/parse-markdown";

const files = import.meta.glob<string>("./content/*/*.md", { eager: true, query: "?raw", import: "default" });

export type Part = "begin" | "tutorials" | "reference";
const ORDER: Record<Part, string[]> = {
  begin: ["getting-started"],
  tutorials: ["introduction", "first-workflow", "rsi-strategy", "risk-management", "backtesting"],
  reference: ["expressions", "versions", "errors", "attribution"],
};

export type HelpPage = { slug: string; part: Part; title: string; text: string; words: string };

export function helpPages(language: string = i18next.language): HelpPage[] {
  return (Object.keys(ORDER) as Part[]).flatMap((part) =>
    ORDER[part].flatMap((slug) => {
      const text = files[`./content/${language}/${slug}.md`] ?? files[`./content/en/${slug}.md`];
      return text === undefined ? [] : [page(part, slug, text)];
    }),
  );
}

function page(part: Part, slug: string, text: string): HelpPage {
  const blocks = parse(text);
  const [first] = blocks;
  const title = first?.kind === "heading" ? plainText([first]) : slug;
  return { slug, part, title, text, words: plainText(blocks) };
}
