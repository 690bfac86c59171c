import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { asDocument } from "@/editor/store/types";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { BackLink, Card, Page } from "@/ui/Page";
import { MadeOf } from "./MadeOf";
import { type Template, templatesQuery } from "./queries";
import { Facts } from "./TemplateCard";
import { UseTemplate } from "./UseTemplate";

const GraphView = lazy(() => import("@/editor/canvas/GraphView").then(({ GraphView }) => ({ default: GraphView })));

export default function TemplatePage({ params }: { params: Record<string, string> }) {
  const { t } = useTranslation("templates");
  const { data, error } = useQuery(templatesQuery());
  const template = data?.items.find(({ id }) => id === params.id);
  if (template) return <About template={template} />;
  return (
    <Page title={t("title")}>
      <Failure error={error} />
      {data && <Empty title={t("none")} action={<Link href="/templates">{t("back")}</Link>} />}
    </Page>
  );
}

function About({ template }: { template: Template }) {
  const { t } = useTranslation("templates");
  const document = useMemo(() => asDocument(template.document), [template]);
  return (
    <Page title={template.name} lead={template.summary} actions={<BackLink href="/templates">{t("back")}</BackLink>}>
      <Facts template={template} />
      <div className="h-[min(46vh,26rem)] overflow-clip rounded-xl border border-line">
        <Suspense>
          <GraphView document={document} minimap={false} />
        </Suspense>
      </div>
      <div className="grid gap-4 lg:grid-cols-[minmax(0,2fr)_minmax(18rem,1fr)]">
        <div className="flex flex-col gap-4">
          <Card title={t("idea")}>
            <p className="max-w-prose">{template.idea}</p>
          </Card>
          <Card
            title={
              <span className="flex items-center gap-2 text-warn">
                <TriangleAlert size={17} aria-hidden />
                {t("risks")}
              </span>
            }
            className="border-warn"
          >
            <ul className="flex max-w-prose list-disc flex-col gap-1.5 pl-5">
              {template.risks.map((risk) => (
                <li key={risk}>{risk}</li>
              ))}
            </ul>
          </Card>
          <Card title={t("guide")}>
            <ol className="flex max-w-prose list-decimal flex-col gap-2.5 pl-5">
              {template.guide.map(({ title, text }) => (
                <li key={title}>
                  <span className="font-medium">{title}.</span> {text}
                </li>
              ))}
            </ol>
          </Card>
        </div>
        <div className="flex flex-col gap-4">
          <UseTemplate template={template} />
          <MadeOf template={template} />
        </div>
      </div>
    </Page>
  );
}
