import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import {
  added,
  BUCKETS,
  type Bucket,
  changed,
  type Figure,
  type Fn,
  FUNCTIONS,
  isNumber,
  isTime,
  type Kinds,
  without,
} from "./builder";
import { named, type Props, Row, Select } from "./parts";

/** What rows are put together by, and what is made of them. */
export function Groups({ drawn, kinds, onChange }: Props) {
  const { t } = useTranslation("data");
  const groups = Object.keys(kinds).filter((name) => kinds[name] !== "jsonb");
  const count = { fn: "count", column: "" } as const;
  const group = (name: string) => {
    const figures = name && !drawn.figures.length ? added(drawn.figures, count) : drawn.figures;
    onChange({ group: name, figures, order: name, descending: false });
  };
  return (
    <>
      <Select
        label={t("builder.groupBy")}
        value={drawn.group}
        onChange={group}
        options={[["", t("builder.noGroup")], ...named(groups)]}
      />
      {isTime(kinds[drawn.group]) && (
        <Select
          label={t("builder.bucket")}
          value={drawn.bucket}
          onChange={(bucket) => onChange({ bucket: bucket as Bucket })}
          options={BUCKETS.map((each) => [each, t(`bucket.${each}`)])}
        />
      )}
      {drawn.figures.map((figure) => (
        <FigureRow
          key={figure.id}
          figure={figure}
          kinds={kinds}
          onChange={(change) => onChange({ figures: changed(drawn.figures, figure.id, change) })}
          onDrop={() => onChange({ figures: without(drawn.figures, figure.id) })}
        />
      ))}
      <Button small tone="quiet" onClick={() => onChange({ figures: added(drawn.figures, count) })}>
        <Plus size={14} aria-hidden />
        {t("builder.addFigure")}
      </Button>
    </>
  );
}

function FigureRow({
  figure,
  kinds,
  onChange,
  onDrop,
}: {
  figure: Figure;
  kinds: Kinds;
  onChange: (change: Partial<Figure>) => void;
  onDrop: () => void;
}) {
  const { t } = useTranslation("data");
  const columns = (fn: Fn) =>
    Object.keys(kinds).filter(
      (name) => isNumber(kinds[name]) || (fn === "min" || fn === "max" ? isTime(kinds[name]) : false),
    );
  const choose = (fn: Fn) => {
    const fits = columns(fn);
    onChange({
      fn,
      column: fn === "count" ? "" : fits.includes(figure.column) ? figure.column : (fits.at(-1) ?? "id"),
    });
  };
  return (
    <Row legend={t("builder.figure")} dropLabel={t("builder.dropFigure")} onDrop={onDrop}>
      <Select
        label={t("builder.function")}
        value={figure.fn}
        onChange={(fn) => choose(fn as Fn)}
        options={FUNCTIONS.map((each) => [each, t(`function.${each}`)])}
      />
      {figure.fn !== "count" && (
        <Select
          label={t("builder.column")}
          value={figure.column}
          onChange={(column) => onChange({ column })}
          options={named(columns(figure.fn))}
        />
      )}
    </Row>
  );
}
