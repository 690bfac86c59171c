import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import {
  added,
  changed,
  type Filter,
  isNumber,
  isTime,
  type Kinds,
  type Operator,
  operatorsFor,
  takesValue,
  without,
} from "./builder";
import { BOX, named, type Props, Row, Select } from "./parts";

/** Which rows are meant. */
export function Filters({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  const add = () => {
    const column = Object.keys(kinds).find((name) => kinds[name] === "text") ?? "id";
    onChange({ filters: added(drawn.filters, { column, operator: "=", value: "" }) });
  };
  return (
    <>
      {drawn.filters.map((filter) => (
        <FilterRow
          key={filter.id}
          filter={filter}
          kinds={kinds}
          onChange={(change) => onChange({ filters: changed(drawn.filters, filter.id, change) })}
          onDrop={() => onChange({ filters: without(drawn.filters, filter.id) })}
        />
      ))}
      <Button small tone="quiet" onClick={add}>
        <Plus size={14} aria-hidden />
        {t("builder.addFilter")}
      </Button>
    </>
  );
}

function FilterRow({
  filter,
  kinds,
  onChange,
  onDrop,
}: {
  filter: Filter;
  kinds: Kinds;
  onChange: (change: Partial<Filter>) => void;
  onDrop: () => void;
}) {
  const { t } = useTranslation("data");
  const kind = kinds[filter.column];
  const operators = operatorsFor(kind);
  const choose = (column: string) => {
    const fits = operatorsFor(kinds[column]);
    onChange({ column, operator: fits.includes(filter.operator) ? filter.operator : (fits[0] ?? "=") });
  };
  return (
    <Row legend={t("builder.filter", { column: filter.column })} dropLabel={t("builder.dropFilter")} onDrop={onDrop}>
      <Select label={t("builder.column")} value={filter.column} onChange={choose} options={named(Object.keys(kinds))} />
      <Select
        label={t("builder.operator")}
        value={filter.operator}
        onChange={(operator) => onChange({ operator: operator as Operator })}
        options={operators.map((each) => [each, t(`operator.${each}`)])}
      />
      {takesValue(filter.operator) &&
        (kind === "boolean" ? (
          <Select
            label={t("builder.value")}
            value={filter.value || "true"}
            onChange={(value) => onChange({ value })}
            options={[
              ["true", t("builder.yes")],
              ["false", t("builder.no")],
            ]}
          />
        ) : (
          <input
            aria-label={t("builder.value")}
            value={filter.value}
            onChange={(event) => onChange({ value: event.target.value })}
            placeholder={isTime(kind) ? "2024-01-31T00:00:00Z" : isNumber(kind) ? "0" : t("builder.text")}
            inputMode={isNumber(kind) ? "decimal" : "text"}
            className={cx(BOX, isTime(kind) ? "w-48" : "w-32")}
          />
        ))}
    </Row>
  );
}
