import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { SearchField } from "@/ui/SearchField";
import { CATEGORIES, type Category, matching } from "./matching";
import { templatesQuery } from "./queries";
import { TemplateCard } from "./TemplateCard";

export default function Templates() {
  const { t } = useTranslation("templates");
  const { data, error } = useQuery(templatesQuery());
  const [search, setSearch] = useState("");
  const [category, setCategory] = useState<Category | null>(null);
  const shown = data && matching(data.items, search, category);
  return (
    <Page title={t("title")} lead={t("lead")}>
      <div className="flex flex-wrap items-center gap-3">
        <SearchField label={t("search")} value={search} onChange={setSearch} className="min-w-56 flex-1 md:max-w-80" />
        <fieldset className="flex flex-wrap gap-1.5">
          <legend className="sr-only">{t("categories")}</legend>
          {[null, ...CATEGORIES].map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={category === each}
              onClick={() => setCategory(each)}
              className={cx(
                "h-8 rounded-full border px-3 text-sm",
                category === each
                  ? "border-accent bg-accent-soft font-medium text-accent"
                  : "border-line bg-surface text-soft hover:text-ink",
              )}
            >
              {each === null ? t("all") : t(`category.${each}`)}
            </button>
          ))}
        </fieldset>
      </div>
      <Failure error={error} />
      {shown?.length === 0 && (
        <Empty
          title={t("none")}
          action={
            <Button
              onClick={() => {
                setSearch("");
                setCategory(null);
              }}
            >
              {t("clear")}
            </Button>
          }
        >
          {t("noneLead")}
        </Empty>
      )}
      <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
        {shown?.map((template) => (
          <TemplateCard key={template.id} template={template} />
        ))}
      </ul>
    </Page>
  );
}
