// Every word is there before the first test: tests look at once.
import i18next from "i18next";

const english = import.meta.glob<object>("./i18n/en/*.json", { eager: true, import: "default" });

export function addWords(): void {
  for (const [path, words] of Object.entries(english))
    i18next.addResourceBundle("en", /(\w+)\.json$/.exec(path)?.[1] ?? "", words);
}
