// Figures as traders write them. Market time is UTC unless a screen says otherwise.
import i18next from "i18next";

type Format = Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat;
const formats = new Map<string, Format>();
function made<T extends Format>(key: string, make: (language: string) => T): T {
  const id = `${i18next.language} ${key}`;
  const known = formats.get(id) as T | undefined;
  if (known) return known;
  const format = make(i18next.language);
  formats.set(id, format);
  return format;
}

export const number = (value: number, digits = 2): string =>
  made(
    `n${digits}`,
    (language) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  ).format(value);

export const money = (value: number | string, currency = "USD"): string =>
  made(`m${currency}`, (language) => new Intl.NumberFormat(language, { style: "currency", currency })).format(
    Number(value),
  );

/** With its sign, so that colour alone never tells gain from loss. */
export const profit = (value: number | string, currency = "USD"): string =>
  made(
    `p${currency}`,
    (language) => new Intl.NumberFormat(language, { style: "currency", currency, signDisplay: "exceptZero" }),
  ).format(Number(value));

export const percent = (share: number, digits = 1): string =>
  made(
    `%${digits}`,
    (language) =>
      new Intl.NumberFormat(language, {
        style: "percent",
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
  ).format(share);

export const moment = (iso: string | null | undefined): string =>
  iso
    ? made(
        "t",
        (language) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" }),
      ).format(new Date(iso))
    : "–";

export const duration = (ms: number | null | undefined): string => {
  if (ms === null || ms === undefined) return "–";
  // Rounded before it is parted: no "1 min 60 s".
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const STEPS: [Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 minutes ago", of a moment on this computer's clock. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1_000;
  const relative = made("ago", (language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(Math.round(seconds / size), unit);
}
