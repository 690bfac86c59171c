// Every node type there is can be configured: each field has a widget, and the whole form renders.
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import { chooseSimple } from "@/app/simple";
import described from "./node-schemas.json";
import { SchemaForm } from "./SchemaForm";
import { fieldsOf, isShown, type JsonSchema } from "./schema";
import { WIDGETS } from "./widgets";

type Described = Record<string, { config_schema: JsonSchema; example: Record<string, unknown> }>;
const TYPES = Object.entries(described as unknown as Described);

beforeEach(() => {
  chooseSimple(false);
  vi.stubGlobal("fetch", async () => Response.json({ items: [], total: 0, fires: [], problems: [] }));
});

const show = (schema: JsonSchema, value: Record<string, unknown>) =>
  render(
    <QueryClientProvider client={queryClient}>
      <SchemaForm schema={schema} value={value} onChange={() => {}} surroundings={{ expressions: true }} />
    </QueryClientProvider>,
  );

test("the fixture has all node types", () => {
  expect(TYPES.length).toBeGreaterThanOrEqual(72);
});

test.each(TYPES)("%s: every field has a widget of its own, also those inside lists", (_type, { config_schema }) => {
  const objects = [config_schema, ...Object.values(config_schema.$defs ?? {}).filter((part) => part.properties)];
  for (const part of objects)
    for (const field of fieldsOf(part, config_schema)) expect(Object.keys(WIDGETS)).toContain(field.widget);
});

test.each(TYPES)("%s: the form shows every field that matters, named by its label", (_type, told) => {
  const { config_schema: schema, example } = told;
  const fields = fieldsOf(schema);
  const { container } = show(schema, example);
  for (const field of fields.filter((each) => isShown(each, example, fields))) {
    const row = container.querySelector(`[data-field="${field.name}"]`);
    expect(row, field.name).not.toBeNull();
    const label = row?.querySelector("label");
    expect(label).toHaveTextContent(field.title);
    expect(
      container.querySelector(`[id="${label?.htmlFor}"]`),
      `${field.name} has no element for its label`,
    ).not.toBeNull();
  }
});

test("what the others' values make pointless is not shown", () => {
  const schema = (described as unknown as Described)["order.market"]?.config_schema ?? {};
  show(schema, { stop_loss_type: "none" });
  expect(screen.queryByLabelText("Stop loss at")).toBeNull();
  show(schema, { stop_loss_type: "pips" });
  expect(screen.getByLabelText("Stop loss at")).toBeInTheDocument();
});
