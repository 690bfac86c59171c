import { render, screen } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { Markdown } from "./Markdown";
import { inline, parse, plainText } from "./parse-markdown";

describe("blocks", () => {
  test("each kind is known", () => {
    const text =
      "# A\n\none\ntwo\n\n- x\n- y\n  z\n\n3. p\n4. q\n\n> said\n> so\n\n```\na < b\n\nc\n```\n\n| h | k |\n|---|---|\n| `a || b` | 2 |";
    expect(parse(text).map(({ kind }) => kind)).toEqual([
      "heading",
      "paragraph",
      "list",
      "list",
      "quote",
      "code",
      "table",
    ]);
  });

  test("items go on in the next line, and lists count from where they begin", () => {
    expect(parse("3. a\n   b\n4. c")).toEqual([
      {
        kind: "list",
        ordered: true,
        start: 3,
        items: [[{ kind: "text", text: "a b" }], [{ kind: "text", text: "c" }]],
      },
    ]);
  });

  test("a bar within backticks parts no cells", () => {
    const [table] = parse("| a | b |\n|---|---|\n| `x || y` | z |");
    expect(table).toMatchObject({ rows: [[[{ kind: "code", text: "x || y" }], [{ kind: "text", text: "z" }]]] });
  });

  test("a block of code that is never closed ends with the text", () => {
    expect(parse("```\na")).toEqual([{ kind: "code", text: "a" }]);
  });
});

describe("within a line", () => {
  test.each([
    ["plain", [{ kind: "text", text: "plain" }]],
    ["a * b * c", [{ kind: "text", text: "a * b * c" }]],
    ["`a*b*c`", [{ kind: "code", text: "a*b*c" }]],
    [
      "**a `b`**",
      [
        {
          kind: "strong",
          of: [
            { kind: "text", text: "a " },
            { kind: "code", text: "b" },
          ],
        },
      ],
    ],
    ["a_b_c __x", [{ kind: "text", text: "a_b_c __x" }]],
    ["_so_", [{ kind: "em", of: [{ kind: "text", text: "so" }] }]],
    ["*so*", [{ kind: "em", of: [{ kind: "text", text: "so" }] }]],
    ["[x](#/help)", [{ kind: "link", to: "#/help", of: [{ kind: "text", text: "x" }] }]],
  ])("%s", (text, parts) => {
    expect(inline(text)).toEqual(parts);
  });

  test.each(["javascript:alert(1)", "data:text/html,x", "//evil.example", "JAVASCRIPT:x", " javascript:x"])(
    "a link to %s stays text",
    (to) => {
      expect(inline(`[x](${to})`).every(({ kind }) => kind === "text")).toBe(true);
    },
  );
});

test("nothing in a text becomes markup", () => {
  const evil = '<img src=x onerror="alert(1)"> <script>alert(1)</script> [x](javascript:alert(1)) `<b>`';
  const { container } = render(<Markdown text={evil} />);
  expect(container.querySelector("img, script, a, b")).toBeNull();
  expect(screen.getByText(/<img src=x/)).toBeInTheDocument();
});

test("a title that is shown elsewhere is left out", () => {
  const { container } = render(<Markdown text={"# Title\n\n## Part\n\nText"} skipTitle />);
  expect(screen.queryByText("Title")).toBeNull();
  expect(container.querySelector("h2")).toHaveTextContent("Part");
});

test("words to search in have no marks", () => {
  expect(plainText(parse("# A\n\n**b** [c](#/x)\n\n- `d`\n\n| e |\n|---|\n| f |"))).toBe("A b c d e f");
});
