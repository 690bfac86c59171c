// Words of the console. One file a namespace: each screen brings `i18n/<language>/<namespace>.json` and names it in `useTranslation`.
// English comes with the page; another language is fetched when it is chosen, and what it lacks is said in English.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

type Words = Record<string, unknown>;
const HOME = "en";
const KEY = "tradeloom.language";
const english = import.meta.glob<Words>("./en/*.json", { eager: true, import: "default" });
const others = import.meta.glob<Words>(["./*/*.json", "!./en/*.json"], { import: "default" });

const placeOf = (path: string): { language: string; namespace: string } => {
  const [, language = "", namespace = ""] = /\.\/([^/]+)\/([^/]+)\.json$/.exec(path) ?? [];
  return { language, namespace };
};

export const LANGUAGES = [HOME, ...new Set(Object.keys(others).map((path) => placeOf(path).language))];

function wanted(): string {
  const chosen = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2);
  return LANGUAGES.includes(chosen) ? chosen : HOME;
}

void i18next.use(initReactI18next).init({
  resources: {
    [HOME]: Object.fromEntries(Object.entries(english).map(([path, words]) => [placeOf(path).namespace, words])),
  },
  lng: HOME,
  fallbackLng: HOME,
  defaultNS: "app",
  partialBundledLanguages: true,
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
});

async function speak(language: string): Promise<void> {
  const files = Object.entries(others).filter(([path]) => placeOf(path).language === language);
  const words = await Promise.all(files.map(async ([path, read]) => [placeOf(path).namespace, await read()] as const));
  for (const [namespace, each] of words) i18next.addResourceBundle(language, namespace, each);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Settles once the chosen language is there, or English stays because it could not be fetched. */
export const ready: Promise<void> = wanted() === HOME ? Promise.resolve() : speak(wanted()).catch(() => undefined);

export async function chooseLanguage(language: string): Promise<void> {
  await speak(language);
  localStorage.setItem(KEY, language);
}
