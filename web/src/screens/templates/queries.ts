import { queryOptions } from "@tanstack/react-query";
import i18next from "i18next";
import { api, type Schemas, told } from "@/api/client";

export type Template = Schemas["Template"];
type Texts = Record<string, Partial<Pick<Template, "summary" | "market" | "idea" | "risks" | "guide">>>;

// The server tells templates in English. Their graphs, and so the names of their nodes, stay as they are.
const files = import.meta.glob<Texts>("./texts/*.json", { import: "default" });

/** They do not change while a server runs. */
export const templatesQuery = (language: string = i18next.language) =>
  queryOptions({
    queryKey: ["templates", language],
    queryFn: async () => {
      const [{ items }, texts] = await Promise.all([
        told(api.GET("/api/agentic/templates")),
        files[`./texts/${language}.json`]?.() ?? ({} as Texts),
      ]);
      return { items: items.map((template) => ({ ...template, ...texts[template.id] })) };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
