import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { templatesQuery } from "@/screens/templates/queries";
import { type Guide, useGuide } from "./guide";
import { Panel } from "./Panel";

/** The guide of the template a workflow was made of, beside its canvas. */
export default function TemplateGuide({ guide }: { guide: Guide }) {
  const { t } = useTranslation("tour");
  const { tick, close } = useGuide();
  const { data } = useQuery(templatesQuery());
  const template = data?.items.find(({ id }) => id === guide.template);
  if (template === undefined) return null;
  const label = t("guide.label", { name: template.name });
  return (
    <Panel label={label} title={label} close={close} closeLabel={t("guide.close")}>
      <p className="text-soft">{t("guide.lead")}</p>
      <ul className="flex flex-col gap-2">
        {template.guide.map(({ title, text }, at) => (
          <li key={title}>
            <label className="flex items-start gap-2">
              <input
                type="checkbox"
                checked={guide.done.includes(at)}
                onChange={() => tick(at)}
                className="mt-1 size-4 accent-accent"
              />
              <span className={guide.done.includes(at) ? "text-soft line-through" : ""}>
                <span className="font-medium">{title}.</span> {text}
              </span>
            </label>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
