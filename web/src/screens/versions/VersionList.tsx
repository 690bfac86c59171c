import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/cx";
import { moment } from "@/ui/format";
import type { Version } from "./queries";

export function VersionList(props: {
  versions: Version[];
  chosen: string | undefined;
  choose: (version: string) => void;
}) {
  const { t } = useTranslation("versions");
  return (
    <nav
      aria-label={t("list")}
      className="min-h-0 overflow-y-auto border-r border-line bg-surface p-2 max-lg:max-h-48 max-lg:border-r-0 max-lg:border-b"
    >
      <ol className="flex flex-col gap-1">
        {props.versions.map((version) => (
          <li key={version.version}>
            <button
              type="button"
              aria-current={version.version === props.chosen ? "true" : undefined}
              onClick={() => props.choose(version.version)}
              className={cx(
                "flex w-full flex-col gap-0.5 rounded-lg px-3 py-2 text-left",
                version.version === props.chosen ? "bg-accent-soft" : "hover:bg-sunken",
              )}
            >
              <span className="flex flex-wrap items-center gap-1.5">
                <span className="font-medium">{t("version", { number: version.number })}</span>
                {version.newest && <Badge tone="accent">{t("newest")}</Badge>}
                {version.runs && (
                  <Badge tone="good" title={t("runsHelp")}>
                    {t("runs")}
                  </Badge>
                )}
              </span>
              <span className="text-xs text-soft">
                {moment(version.created_at)} · {t("nodes", { count: version.nodes })}
              </span>
              <span className="font-mono text-xs text-soft">{version.version.slice(0, 12)}</span>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
