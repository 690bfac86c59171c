// Words of the console. One file a namespace: each screen brings `i18n/<language>/<namespace>.json` and names it in `useTranslation`.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

const files = import.meta.glob<Record<string, unknown>>("./*/*.json", { eager: true, import: "default" });
const resources: Record<string, Record<string, Record<string, unknown>>> = {};
for (const [path, words] of Object.entries(files)) {
  const [, language = "", namespace = ""] = /\.\/([^/]+)\/([^/]+)\.json$/.exec(path) ?? [];
  resources[language] ??= {};
  resources[language][namespace] = words;
}

const KEY = "tradeloom.language";
export const LANGUAGES = Object.keys(resources);

i18next.use(initReactI18next).init({
  resources,
  lng:
    localStorage.getItem(KEY) ??
    (LANGUAGES.includes(navigator.language.slice(0, 2)) ? navigator.language.slice(0, 2) : "en"),
  fallbackLng: "en",
  defaultNS: "app",
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
});
document.documentElement.lang = i18next.language;

export function chooseLanguage(language: string): void {
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
