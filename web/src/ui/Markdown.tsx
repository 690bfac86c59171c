import { createElement, Fragment, useMemo } from "react";
import { type Block, type Inline, inline, parse } from "./parse-markdown";

/** Elements of a Markdown text. No HTML is ever taken from it. */
export function Markdown({ text, skipTitle = false }: { text: string; skipTitle?: boolean }) {
  const blocks = useMemo(() => parse(text), [text]);
  const shown = skipTitle && blocks[0]?.kind === "heading" && blocks[0].level === 1 ? blocks.slice(1) : blocks;
  return (
    <div className="flex max-w-[72ch] flex-col gap-3 leading-relaxed">
      {shown.map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text's blocks have no name but their place
        <BlockView key={at} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      return createElement(
        `h${Math.min(block.level, 4)}`,
        { className: block.level > 1 ? "mt-3 font-semibold" : "" },
        <Inlines of={block.of} />,
      );
    case "paragraph":
      return (
        <p>
          <Inlines of={block.of} />
        </p>
      );
    case "quote":
      return (
        <blockquote className="rounded-r-lg border-l-4 border-accent bg-accent-soft px-4 py-2.5">
          <Inlines of={block.of} />
        </blockquote>
      );
    case "code":
      return (
        // A wide line is scrolled to, also by keyboard.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        <pre tabIndex={0} className="overflow-x-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs">
          {block.text}
        </pre>
      );
    case "list":
      return <List block={block} />;
    case "table":
      return <Table block={block} />;
  }
}

function List({ block }: { block: Extract<Block, { kind: "list" }> }) {
  const items = block.items.map((item, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a list's items have no name but their place
    <li key={at}>
      <Inlines of={item} />
    </li>
  ));
  const look = "flex flex-col gap-1.5 pl-6 marker:text-soft";
  if (!block.ordered) return <ul className={`list-disc ${look}`}>{items}</ul>;
  return (
    <ol start={block.start} className={`list-decimal ${look}`}>
      {items}
    </ol>
  );
}

function Table({ block }: { block: Extract<Block, { kind: "table" }> }) {
  return (
    <div className="overflow-x-auto rounded-lg border border-line">
      <table className="w-full text-left">
        <thead className="bg-sunken">
          <tr>
            {block.head.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a table's cells have no name but their place
              <th key={at} scope="col" className="px-3 py-2 font-medium">
                <Inlines of={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {block.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <tr key={at}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above
                <td key={column} className="px-3 py-2 align-top">
                  <Inlines of={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A line of Markdown within other text. */
export const MarkdownLine = ({ text }: { text: string }) => <Inlines of={inline(text)} />;

function Inlines({ of }: { of: Inline[] }) {
  return of.map((part, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: as above
    <Fragment key={at}>{shown(part)}</Fragment>
  ));
}

function shown(part: Inline) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code className="rounded bg-sunken px-1 py-0.5 font-mono text-[0.9em]">{part.text}</code>;
    case "strong":
      return (
        <strong>
          <Inlines of={part.of} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Inlines of={part.of} />
        </em>
      );
    case "link":
      return (
        <a
          href={part.to}
          className="text-accent underline underline-offset-2"
          {...(part.to.startsWith("#") ? {} : { target: "_blank", rel: "noreferrer noopener" })}
        >
          <Inlines of={part.of} />
        </a>
      );
  }
}
