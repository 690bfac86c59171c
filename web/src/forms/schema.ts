// What a form reads of a JSON Schema: its fields in order, each with its widget, bounds and choices.
import { isExpression } from "./values";

export type JsonSchema = {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[] | null;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  discriminator?: { propertyName: string; mapping?: Record<string, string> };
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number | boolean;
  exclusiveMaximum?: number | boolean;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  // Ours, see `nodes/catalogue.py`.
  order?: string[];
  widget?: string;
  unit?: string;
  static?: boolean;
  input?: boolean;
  advanced?: boolean;
  show_if?: Record<string, unknown[]>;
  names?: string[];
};

export type Field = {
  name: string;
  title: string;
  help: string;
  widget: string;
  unit: string | undefined;
  required: boolean;
  /** May be left empty: null says so. */
  nullable: boolean;
  /** Takes no expression. */
  static: boolean;
  /** Left empty it takes `input.<name>`. */
  input: boolean;
  advanced: boolean;
  /** The text is itself an expression; these names are added to its scope. */
  names: string[] | undefined;
  default: unknown;
  examples: unknown[];
  showIf: Record<string, unknown[]> | undefined;
  /** The schema of its values, references followed and null left out. */
  schema: JsonSchema;
};

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A reference followed; marks beside it stay. */
export function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...marks } = schema;
  const target = root.$defs?.[$ref.split("/").at(-1) ?? ""] ?? {};
  return { ...resolved(target, root), ...marks };
}

/** What is possible besides null. */
function alternatives(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  const parts = schema.anyOf ?? schema.oneOf;
  if (!parts) return [schema];
  return parts.map((part) => resolved(part, root)).filter((part) => part.type !== "null");
}

const PLAIN: Record<string, string> = {
  boolean: "toggle",
  number: "number",
  integer: "number",
  string: "text",
  object: "key-value",
};

/** The widget of a field that asks for none: the catalogue's rule, for schemas that do not come from it. */
function plainWidget(schema: JsonSchema, only: boolean): string {
  if (!only) return "expression";
  if (schema.enum || schema.const !== undefined) return "select";
  if (schema.type === "array") return schema.items?.$ref || schema.items?.oneOf ? "list" : "text";
  return PLAIN[String(schema.type)] ?? "expression";
}

function fieldOf(name: string, given: JsonSchema, root: JsonSchema, required: boolean): Field {
  const schema = resolved(given, root);
  const possible = alternatives(schema, root);
  const only = possible.length === 1 ? (possible[0] ?? {}) : {};
  const { anyOf, oneOf, ...marks } = schema;
  return {
    name,
    title: schema.title ?? wordsOf(name),
    help: given.description ?? schema.description ?? "",
    widget: schema.widget ?? plainWidget(only, possible.length === 1),
    unit: schema.unit,
    required,
    nullable: (anyOf ?? oneOf ?? []).some((part) => part.type === "null") || (!required && schema.default === null),
    static: schema.static ?? false,
    input: schema.input ?? false,
    advanced: schema.advanced ?? false,
    names: schema.names,
    default: schema.default,
    examples: schema.examples ?? [],
    showIf: schema.show_if,
    schema: possible.length === 1 ? { ...only, ...marks } : schema,
  };
}

/** The fields of an object's schema as a form shows them. */
export function fieldsOf(schema: JsonSchema, root: JsonSchema = schema): Field[] {
  const properties = schema.properties ?? {};
  const required = new Set(schema.required ?? []);
  return (schema.order ?? Object.keys(properties)).map((name) =>
    fieldOf(name, properties[name] ?? {}, root, required.has(name)),
  );
}

/** The schema of a list's items, and for a list of several kinds the schema of each kind by its word. */
export function itemKinds(
  list: JsonSchema,
  root: JsonSchema,
): { by: string | undefined; kinds: Map<string, JsonSchema> } {
  const items = resolved(list.items ?? {}, root);
  const by = items.discriminator?.propertyName;
  const kinds = new Map<string, JsonSchema>();
  if (by === undefined) kinds.set("", items);
  else
    for (const part of items.oneOf ?? items.anyOf ?? []) {
      const kind = resolved(part, root);
      kinds.set(String(kind.properties?.[by]?.const), kind);
    }
  return { by, kinds };
}

/** Whether the other fields' values make this one matter. One that holds an expression may become anything. */
export function isShown(field: Field, value: Record<string, unknown>, fields: Field[]): boolean {
  return Object.entries(field.showIf ?? {}).every(([other, wanted]) => {
    const now = value[other] ?? fields.find((each) => each.name === other)?.default ?? null;
    return isExpression(now) || wanted.some((each) => each === now);
  });
}

export const choicesOf = (schema: JsonSchema): unknown[] =>
  schema.enum ?? (schema.const === undefined ? [] : [schema.const]);

/** `take_profit` as a person writes it; words that are no identifiers stay as they are. */
export function wordsOf(choice: unknown): string {
  const text = String(choice);
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(text)) return text;
  const words = text.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
