import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { keep, useKept } from "./kept";
import { namesIn } from "./parameters";
import type { Table } from "./queries";

const SqlEditor = lazy(() => import("./SqlEditor"));

/** SQL of one's own, and a field for each parameter it names. */
export function SqlPanel({ tables, onRun }: { tables: Table[]; onRun: () => void }) {
  const { t } = useTranslation("data");
  const { sql, values } = useKept();
  const names = namesIn(sql);
  return (
    <div className="flex flex-col gap-3">
      <Suspense fallback={<div className="min-h-28 rounded-md border border-line bg-sunken" />}>
        <SqlEditor label={t("sql.label")} text={sql} tables={tables} onChange={(sql) => keep({ sql })} onRun={onRun} />
      </Suspense>
      {names.length > 0 && (
        <div className="flex flex-wrap items-center gap-3">
          {names.map((name) => (
            <label key={name} className="inline-flex items-center gap-2">
              <span className="font-mono text-xs">:{name}</span>
              <input
                value={values[name] ?? ""}
                onChange={(event) => keep({ values: { ...values, [name]: event.target.value } })}
                className="h-8 w-44 rounded-md border border-line-strong bg-surface px-2"
              />
            </label>
          ))}
        </div>
      )}
      <p className="text-xs text-soft">{t("sql.help")}</p>
    </div>
  );
}
