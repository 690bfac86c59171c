import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { nodeSchemaQuery } from "@/api/queries";
import { Badge } from "@/ui/Badge";
import { Markdown, MarkdownLine } from "@/ui/Markdown";
import { Failure } from "@/ui/Notice";
import { BackLink } from "@/ui/Page";
import { fieldsOf } from "./fields";

/** A node type as its declaration tells it: the same the palette, the forms and the compiler go by. */
export function NodePage({ type }: { type: string }) {
  const { t } = useTranslation("help");
  const { data, error } = useQuery(nodeSchemaQuery(type));
  if (error) return <Failure error={error} />;
  if (data === undefined) return <p role="status">{t("app:loading")}</p>;
  return (
    <div className="flex flex-col gap-5">
      <BackLink href="/help/nodes">{t("node.all")}</BackLink>
      <div>
        <h1 className="mb-1 text-2xl">{data.title}</h1>
        <p className="mb-2 text-soft">{data.description}</p>
        <p className="flex flex-wrap gap-1.5">
          <Badge tone="accent">{t(`category.${data.category}`)}</Badge>
          <Badge className="font-mono">{data.type}</Badge>
          <Badge tone={data.tier === "pro" ? "warn" : "neutral"}>{t(`tier.${data.tier}`)}</Badge>
        </p>
      </div>
      <Markdown text={data.help} />
      <Part title={t("node.settings")}>
        <FieldTable schema={data.config_schema} settings />
      </Part>
      <Part title={t("node.ports")}>
        <ul className="flex list-disc flex-col gap-1 pl-5">
          {data.ports.map((port) => (
            <li key={port.name}>
              <code className="font-mono text-xs">{port.name}</code> {port.title !== port.name && port.title}
            </li>
          ))}
        </ul>
      </Part>
      <Part title={t("node.output")}>
        <FieldTable schema={data.output_schema} />
      </Part>
      <Part title={t("node.example")}>
        <p>{data.example.title}</p>
        {/* A wide line is scrolled to, also by keyboard. */}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
        <pre tabIndex={0} className="overflow-x-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs">
          {JSON.stringify(data.example.config, null, 2)}
        </pre>
      </Part>
      {data.errors.length > 0 && (
        <Part title={t("node.errors")}>
          <ul className="flex flex-col gap-1.5">
            {data.errors.map((each) => (
              <li key={each.name}>
                <code className="font-mono text-xs">{each.name}</code>{" "}
                <span className="text-xs text-soft">({t(each.retryable ? "node.retried" : "node.final")})</span>{" "}
                {each.description}
              </li>
            ))}
          </ul>
        </Part>
      )}
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function FieldTable({ schema, settings = false }: { schema: unknown; settings?: boolean }) {
  const { t } = useTranslation("help");
  return (
    <div className="overflow-x-auto rounded-lg border border-line">
      <table className="w-full text-left">
        <thead className="bg-sunken text-xs text-soft">
          <tr>
            <th scope="col" className="px-3 py-2">
              {t("node.field")}
            </th>
            <th scope="col" className="px-3 py-2">
              {t("node.means")}
            </th>
            {settings && (
              <th scope="col" className="px-3 py-2">
                {t("node.default")}
              </th>
            )}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {fieldsOf(schema).map((field) => (
            <tr key={field.name} className="align-top">
              <td className="px-3 py-2">
                <span className="font-medium">{field.title}</span>
                <br />
                <code className="font-mono text-xs text-soft">{field.name}</code>
              </td>
              <td className="px-3 py-2">
                <MarkdownLine text={field.means} />
                <br />
                <span className="font-mono text-xs text-soft">{field.kind}</span>
              </td>
              {settings && (
                <td className="px-3 py-2 font-mono text-xs">
                  {field.required ? <Badge tone="accent">{t("node.required")}</Badge> : (field.standard ?? "–")}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
