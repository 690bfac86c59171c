import { expect, test } from "vitest";

type Texts = { summary: string; idea: string; risks: string[]; guide: { title: string; text: string }[] };
type Filed = Texts & { document?: { description: string }; example?: string };

const files = import.meta.glob<Filed>("../../../../examples/templates/*.json", { eager: true, import: "default" });
const german = import.meta.glob<Record<string, Texts>>("./texts/de.json", { eager: true, import: "default" });
const gesagt = german["./texts/de.json"] ?? {};
const templates = Object.entries(files).map(([path, told]) => [/(\w+)\.json$/.exec(path)?.[1] ?? "", told] as const);

test("every template is told in German, and nothing that is not there", () => {
  expect(Object.keys(gesagt).sort()).toEqual(templates.map(([id]) => id).sort());
});

test.each(templates)("%s says as much in German, and all of it", (id, told) => {
  const { summary, idea, risks, guide } = gesagt[id] as Texts;
  expect(risks).toHaveLength(told.risks.length);
  expect(guide).toHaveLength(told.guide.length);
  const english = [told.document?.description, told.idea, ...told.risks, ...told.guide.map(({ text }) => text)];
  for (const text of [summary, idea, ...risks, ...guide.map((step) => step.text)]) {
    expect(text.trim()).not.toBe("");
    expect(english).not.toContain(text);
  }
});
