// A JSON Schema's properties as lines of a table.
export type Field = {
  name: string;
  title: string;
  kind: string;
  means: string;
  standard: string | null;
  required: boolean;
};

type Schema = {
  type?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  anyOf?: Schema[];
  default?: unknown;
  items?: Schema;
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
};

export function fieldsOf(given: unknown): Field[] {
  const schema = (given ?? {}) as Schema;
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    title: field.title ?? name,
    kind: kindOf(field),
    means: field.description ?? "",
    standard: field.default === undefined || field.default === null ? null : JSON.stringify(field.default),
    required: schema.required?.includes(name) ?? false,
  }));
}

function kindOf(field: Schema): string {
  if (field.enum) return field.enum.map(String).join(" | ");
  if (field.anyOf) return [...new Set(field.anyOf.map(kindOf).filter((kind) => kind !== "null"))].join(" | ");
  if (field.$ref) return field.$ref.split("/").at(-1) ?? "";
  if (field.type === "array") return `${field.items ? kindOf(field.items) : "any"}[]`;
  return field.type ?? "any";
}
