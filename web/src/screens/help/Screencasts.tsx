import { useTranslation } from "react-i18next";

// `tests/console/screencasts.py` records them; where it was not run there are none.
const files = import.meta.glob<string>("./screencasts/*.webm", { eager: true, query: "?url", import: "default" });

export const SCREENCASTS = Object.entries(files).map(([path, url]) => ({
  name: path.replace(/^.*\/|\.webm$/g, ""),
  url,
}));

export function Screencasts() {
  const { t, i18n } = useTranslation("help");
  return (
    <div className="flex flex-col gap-6">
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
              className="rounded-lg border border-line"
            />
          </figure>
        );
      })}
    </div>
  );
}
