import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Fields } from "../Fields";
import { BOX, itemsOf, type WidgetProps } from "../parts";
import { isObject, itemKinds, type JsonSchema, wordsOf } from "../schema";

/** A list of objects, each with a form of its own; where there are several kinds, one chooses which to add. */
export function ListWidget({ root, ...props }: WidgetProps & { root: JsonSchema }) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const { by, kinds } = itemKinds(field.schema, root);
  const words = [...kinds.keys()];
  const [kind, setKind] = useState(words[0] ?? "");
  const items = itemsOf(field, value);
  const put = (index: number, item: unknown) => onChange(items.map((each, at) => (at === index ? item : each)));
  const swap = (from: number, to: number) => {
    const moved = [...items];
    [moved[from], moved[to]] = [moved[to], moved[from]];
    onChange(moved);
  };
  return (
    <fieldset aria-labelledby={`${props.id}-label`} className="flex flex-col gap-2">
      {items.map((item, index) => {
        const values = isObject(item) ? item : {};
        const word = by ? String(values[by]) : "";
        const schema = kinds.get(word) ?? {};
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: items have no identity but their place
          <div key={index} className="rounded-md border border-line bg-canvas">
            <div className="flex items-center gap-1 border-b border-line py-1 pr-1 pl-3">
              <span className="flex-1 text-xs font-semibold text-soft">
                {index + 1} {by && <span className="text-ink">{wordsOf(word)}</span>}
              </span>
              <IconButton small label={t("list.up")} disabled={index === 0} onClick={() => swap(index, index - 1)}>
                <ArrowUp size={14} aria-hidden />
              </IconButton>
              <IconButton
                small
                label={t("list.down")}
                disabled={index === items.length - 1}
                onClick={() => swap(index, index + 1)}
              >
                <ArrowDown size={14} aria-hidden />
              </IconButton>
              <IconButton
                small
                label={t("list.remove", { number: index + 1 })}
                onClick={() => onChange(items.filter((_, at) => at !== index))}
              >
                <X size={14} aria-hidden />
              </IconButton>
            </div>
            <div className="p-3">
              <Fields
                schema={schema}
                root={root}
                without={by ? [by] : []}
                at={`${props.path}.${index}.`}
                value={values}
                onChange={(changed) => put(index, changed)}
              />
            </div>
          </div>
        );
      })}
      <div className="flex gap-2">
        {by && (
          <select
            aria-label={t("list.kind", { field: field.title })}
            value={kind}
            onChange={(event) => setKind(event.target.value)}
            className={cx(BOX, "h-7 max-w-40 text-xs")}
          >
            {words.map((word) => (
              <option key={word} value={word}>
                {wordsOf(word)}
              </option>
            ))}
          </select>
        )}
        <Button
          small
          id={props.id}
          aria-label={t("list.addTo", { field: field.title })}
          onClick={() => onChange([...items, by ? { [by]: kind } : {}])}
        >
          <Plus size={14} aria-hidden /> {t("list.add")}
        </Button>
      </div>
    </fieldset>
  );
}
