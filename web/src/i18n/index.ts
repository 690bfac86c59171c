// Words of the console. One file a namespace: each screen brings `i18n/<language>/<namespace>.json` and names it in `useTranslation`.
// A screen's words are fetched with it, the others' once there is time; what a language lacks is said in English.
import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";
import app from "./en/app.json";

type Words = Record<string, unknown>;
const HOME = "en";
const KEY = "tradeloom.language";
const files = import.meta.glob<Words>(["./*/*.json", "!./en/app.json"], { import: "default" });
const places = Object.keys(files).map((path) => {
  const [, language = "", namespace = ""] = /\.\/([^/]+)\/([^/]+)\.json$/.exec(path) ?? [];
  return { language, namespace };
});
const NAMESPACES = [...new Set(places.map(({ namespace }) => namespace))];

export const LANGUAGES = [...new Set([HOME, ...places.map(({ language }) => language)])];

function wanted(): string {
  const chosen = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2);
  return LANGUAGES.includes(chosen) ? chosen : HOME;
}

const backend: BackendModule = {
  type: "backend",
  init() {},
  read(language, namespace, told) {
    const read = files[`./${language}/${namespace}.json`];
    if (read === undefined) told(null, {});
    else
      read().then(
        (words) => told(null, words),
        (error: Error) => told(error, null),
      );
  },
};

/** Settles once the words are there that stand around every screen. */
export const ready: Promise<unknown> = i18next
  .use(backend)
  .use(initReactI18next)
  .init({
    resources: { [HOME]: { app } },
    partialBundledLanguages: true,
    lng: wanted(),
    fallbackLng: HOME,
    ns: ["app"],
    defaultNS: "app",
    interpolation: { escapeValue: false }, // React escapes
    initAsync: false,
  });
document.documentElement.lang = wanted();

/** Fetches all words there are, so that what is opened next need not wait. */
export const readOn = (): Promise<void> => i18next.loadNamespaces(NAMESPACES);

export async function chooseLanguage(language: string): Promise<void> {
  await i18next.changeLanguage(language);
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language;
}
