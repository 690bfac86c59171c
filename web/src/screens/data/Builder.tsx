import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { sortable } from "./builder";
import { Groups } from "./FigureRows";
import { Filters } from "./FilterRows";
import { Chip, named, type Props, Select } from "./parts";

/** The query in words: filters, groups and figures, order. */
export function Builder(props: Props) {
  const { t } = useTranslation("data");
  return (
    <div className="grid grid-cols-[auto_minmax(0,1fr)] items-start gap-x-4 gap-y-3 max-sm:grid-cols-1">
      <Line label={t("builder.show")}>
        <Shown {...props} />
      </Line>
      <Line label={t("builder.where")}>
        <Filters {...props} />
      </Line>
      <Line label={t("builder.group")}>
        <Groups {...props} />
      </Line>
      <Line label={t("builder.order")}>
        <Ordering {...props} />
      </Line>
    </div>
  );
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <p className="pt-1.5 font-medium text-soft">{label}</p>
      <div className="flex min-w-0 flex-wrap items-center gap-2">{children}</div>
    </>
  );
}

/** Chips of the columns; none pressed means all. Where figures are made, they and the group are what is shown. */
function Shown({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  if (drawn.group || drawn.figures.length) return <span className="pt-1.5 text-soft">{t("builder.summed")}</span>;
  const toggle = (name: string) => {
    const columns = drawn.columns.includes(name)
      ? drawn.columns.filter((each) => each !== name)
      : Object.keys(kinds).filter((each) => each === name || drawn.columns.includes(each));
    onChange({ columns });
  };
  return (
    <>
      {Object.keys(kinds).map((name) => (
        <Chip key={name} name={name} on={drawn.columns.includes(name)} onToggle={() => toggle(name)} />
      ))}
      {drawn.columns.length === 0 && <span className="text-xs text-soft">{t("builder.all")}</span>}
    </>
  );
}

function Ordering({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  return (
    <>
      <Select
        label={t("builder.orderBy")}
        value={drawn.order}
        onChange={(order) => onChange({ order })}
        options={[["", t("builder.noOrder")], ...named(sortable(drawn, kinds))]}
      />
      <Select
        label={t("builder.direction")}
        value={drawn.descending ? "down" : "up"}
        onChange={(way) => onChange({ descending: way === "down" })}
        options={[
          ["up", t("builder.ascending")],
          ["down", t("builder.descending")],
        ]}
      />
      <Select
        label={t("builder.limit")}
        value={String(drawn.limit)}
        onChange={(limit) => onChange({ limit: Number(limit) })}
        options={[10, 100, 1_000, 10_000].map((each) => [String(each), t("builder.rows", { count: each })])}
      />
    </>
  );
}
