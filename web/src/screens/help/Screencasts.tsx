import { useTranslation } from "react-i18next";

// `tests/console/screencasts.py` records them; where it was not run there are none.
const files = import.meta.glob<string>("./screencasts/*.webm", { eager: true, query: "?url", import: "default" });

// As somebody meets them who is new here; one that is not named comes last.
const ORDER = ["first-strategy", "from-template", "set-a-node", "compare-versions", "stop-trading"];
const place = (name: string) => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);

export const SCREENCASTS = Object.entries(files)
  .map(([path, url]) => ({ name: path.replace(/^.*\/|\.webm$/g, ""), url }))
  .sort((one, other) => place(one.name) - place(other.name));

export function Screencasts() {
  const { t, i18n } = useTranslation("help");
  return (
    <div className="flex max-w-3xl flex-col gap-8">
      <p className="text-soft">{t("screencastsLead")}</p>
      {SCREENCASTS.map(({ name, url }) => {
        const key = `screencast.${name}`;
        const title = i18n.exists(`help:${key}`) ? t(key) : name;
        return (
          <figure key={name} className="flex flex-col gap-2">
            <figcaption className="font-medium">{title}</figcaption>
            <video
              src={url}
              controls
              muted
              preload="metadata"
              aria-label={title}
              className="w-full rounded-lg border border-line"
            />
          </figure>
        );
      })}
    </div>
  );
}
