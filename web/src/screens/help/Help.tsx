import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { nodeTypesQuery } from "@/api/queries";
import { Badge } from "@/ui/Badge";
import { Empty } from "@/ui/Empty";
import { Markdown } from "@/ui/Markdown";
import { Page } from "@/ui/Page";
import { SearchField } from "@/ui/SearchField";
import { Contents } from "./Contents";
import { helpPages } from "./content";
import { NodeIndex } from "./NodeIndex";
import { NodePage } from "./NodePage";
import { Screencasts } from "./Screencasts";
import { Shortcuts } from "./Shortcuts";
import { type Found, searchHelp } from "./searching";

const FIRST = "getting-started";

export default function Help({ params }: { params: Record<string, string> }) {
  const { t, i18n } = useTranslation("help");
  const [search, setSearch] = useState("");
  const pages = useMemo(() => helpPages(i18n.language), [i18n.language]);
  const { data } = useQuery(nodeTypesQuery());
  const slug = params.page ?? FIRST;
  const page = pages.find((each) => each.slug === slug);
  const contents = <Contents pages={pages} here={slug} leave={() => setSearch("")} />;
  return (
    <Page title={t("title")}>
      <div className="grid gap-6 lg:grid-cols-[15rem_minmax(0,1fr)]">
        <div className="flex flex-col gap-4">
          <SearchField label={t("search")} value={search} onChange={setSearch} />
          {/* On a phone what is read comes first: the contents open when they are asked for. */}
          <details key={slug} className="rounded-lg border border-line bg-surface p-3 lg:hidden">
            <summary className="cursor-pointer font-medium">{t("contents")}</summary>
            <div className="pt-3">{contents}</div>
          </details>
          <div className="max-lg:hidden">{contents}</div>
        </div>
        <article className="min-w-0 rounded-xl border border-line bg-surface p-5 md:p-8">
          {search.trim() ? (
            <Results found={searchHelp(pages, data?.items ?? [], search)} leave={() => setSearch("")} />
          ) : page ? (
            <Text title={page.title}>
              <Markdown text={page.text} skipTitle />
            </Text>
          ) : (
            <Other slug={slug} />
          )}
        </article>
      </div>
    </Page>
  );
}

/** The pages that are made of what the console and the server know. */
function Other({ slug }: { slug: string }) {
  const { t } = useTranslation("help");
  const { data } = useQuery(nodeTypesQuery());
  if (slug === "nodes") return <NodeIndex types={data?.items ?? []} />;
  if (slug === "shortcuts") {
    return (
      <Text title={t("shortcuts")}>
        <Shortcuts />
      </Text>
    );
  }
  if (slug === "screencasts") {
    return (
      <Text title={t("screencasts")}>
        <Screencasts />
      </Text>
    );
  }
  if (data?.items.some(({ type }) => type === slug)) return <NodePage type={slug} />;
  return data ? <Empty title={t("missing")} action={<Link href="/help">{t("toContents")}</Link>} /> : null;
}

export function Text({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <h1 className="mb-4 text-2xl">{title}</h1>
      {children}
    </>
  );
}

function Results({ found, leave }: { found: Found[]; leave: () => void }) {
  const { t } = useTranslation("help");
  return (
    <>
      <p role="status" className="mb-3 text-soft">
        {found.length === 0 ? t("noResults") : t("results", { count: found.length })}
      </p>
      <ul className="flex flex-col divide-y divide-line">
        {found.map(({ path, title, kind, excerpt }) => (
          <li key={path} className="py-3">
            <Link
              href={path}
              onClick={leave}
              className="flex items-center gap-2 font-medium text-accent hover:underline"
            >
              {title}
              {kind === "node" && <Badge>{path.replace("/help/", "")}</Badge>}
            </Link>
            <p className="text-soft">{excerpt}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
