// An account's limits as a form holds them: texts by field, and what a change of them says to the server.
import type { Schemas } from "@/api/client";

type Limits = Schemas["RiskLimits"];
type Change = Schemas["LimitsChange"];
export type Unit = "lots" | "money" | "percent" | "seconds" | "count" | "list";
export type LimitField = { name: string; unit: Unit };
/** What stands in the fields, by name; a workflow's under `workflow.`. */
export type Draft = Record<string, string>;

const of = (unit: Unit, ...names: string[]): LimitField[] => names.map((name) => ({ name, unit }));

export const GROUPS: { group: string; fields: LimitField[] }[] = [
  {
    group: "order",
    fields: [
      ...of("lots", "max_lot"),
      ...of("money", "max_notional"),
      ...of("percent", "max_price_distance_pct"),
      ...of("seconds", "max_price_age_s"),
      ...of("list", "symbols"),
    ],
  },
  {
    group: "account",
    fields: [...of("money", "max_symbol_exposure", "max_exposure"), ...of("percent", "min_margin_level_pct")],
  },
  {
    group: "activity",
    fields: [...of("count", "max_orders_per_minute", "max_repeats"), ...of("seconds", "repeat_window_s")],
  },
  { group: "losses", fields: of("percent", "max_daily_loss_pct", "max_drawdown_pct") },
  {
    group: "workflow",
    fields: [
      ...of("lots", "workflow.max_lot"),
      ...of("money", "workflow.max_notional", "workflow.max_exposure"),
      ...of("count", "workflow.max_orders_per_minute"),
      ...of("percent", "workflow.max_daily_loss_pct"),
    ],
  },
];
const FIELDS = GROUPS.flatMap(({ fields }) => fields);
const LESS_IS_LOOSER = new Set(["min_margin_level_pct", "repeat_window_s"]);

/** `workflow.max_lot` is explained as `max_lot`. */
export const wordOf = (name: string): string => name.replace(/^workflow\./, "");

function valueIn(limits: Limits, name: string): string {
  const part = name.startsWith("workflow.") ? limits.workflow : limits;
  const value = (part as Record<string, unknown>)[wordOf(name)];
  return Array.isArray(value) ? value.join(", ") : String(value);
}

export const draftOf = (limits: Limits): Draft =>
  Object.fromEntries(FIELDS.map(({ name }) => [name, valueIn(limits, name)]));

const listed = (text: string): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);

const same = (unit: Unit, one: string, other: string): boolean =>
  unit === "list" ? listed(one).join() === listed(other).join() : Number(one) === Number(other) && one.trim() !== "";

/** The fields that are not what the server has. */
export const touched = (limits: Limits, draft: Draft): LimitField[] =>
  FIELDS.filter(({ name, unit }) => !same(unit, draft[name] ?? "", valueIn(limits, name)));

/** The fields that hold no number. The server judges everything else. */
export const notNumbers = (draft: Draft): string[] =>
  FIELDS.filter(
    ({ name, unit }) => unit !== "list" && (draft[name]?.trim() === "" || !Number.isFinite(Number(draft[name]))),
  ).map(({ name }) => name);

/** What to send: the touched fields alone. Money and lots stay texts, so that no digit is lost. */
export function changeOf(limits: Limits, draft: Draft): Change {
  const change: Record<string, unknown> = {};
  const workflow: Record<string, unknown> = {};
  for (const { name, unit } of touched(limits, draft)) {
    const text = (draft[name] ?? "").trim();
    const value = unit === "list" ? listed(text) : unit === "lots" || unit === "money" ? text : Number(text);
    (name.startsWith("workflow.") ? workflow : change)[wordOf(name)] = value;
  }
  return { ...change, ...(Object.keys(workflow).length > 0 && { workflow }) };
}

/** The touched fields by which the draft allows more. The server holds the change against the same rule. */
export const looserIn = (limits: Limits, draft: Draft): string[] =>
  touched(limits, draft)
    .filter(({ name, unit }) => {
      const [now, then] = [valueIn(limits, name), draft[name] ?? ""];
      if (unit === "list") return listed(then).some((each) => !listed(now).includes(each));
      return LESS_IS_LOOSER.has(name) ? Number(then) < Number(now) : Number(then) > Number(now);
    })
    .map(({ name }) => name);

/** The field a server's error is about: `limits.workflow.max_lot` is `workflow.max_lot`, `limits.symbols.0` is `symbols`. */
export const fieldOf = (where: string | null | undefined): string | undefined => {
  const path = where?.replace(/^limits\./, "");
  return FIELDS.find(({ name }) => path === name || path?.startsWith(`${name}.`))?.name;
};
