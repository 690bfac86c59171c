// Slider and duration: numbers with a natural way to say them.
import { Slider } from "radix-ui";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { BOX, marks, placeholderOf, TextBox, type WidgetProps } from "../parts";
import { useTyped } from "../useTyped";
import { numberOf, UNITS, type Unit, unitOf } from "../values";
import { NumberWidget } from "./plain";

export function SliderWidget(props: WidgetProps) {
  const { field, value, onChange } = props;
  const least = field.schema.minimum ?? 0;
  const most = field.schema.maximum ?? (Number(field.schema.exclusiveMaximum) || 100);
  const now = typeof value === "number" ? value : typeof field.default === "number" ? field.default : least;
  const step = most - least <= 2 ? 0.01 : 1;
  return (
    <div className="grid grid-cols-[1fr_6.5rem] items-center gap-3">
      <Slider.Root
        value={[now]}
        min={least < step ? 0 : least}
        max={most}
        step={step}
        onValueChange={([next]) => next !== undefined && onChange(Math.max(least, next))}
        className="relative flex h-9 touch-none items-center select-none"
      >
        <Slider.Track className="relative h-1.5 grow rounded-full bg-line">
          <Slider.Range className="absolute h-full rounded-full bg-accent" />
        </Slider.Track>
        <Slider.Thumb
          aria-label={field.title}
          className="block size-4.5 rounded-full border-2 border-accent bg-surface shadow-raised"
        />
      </Slider.Root>
      <NumberWidget {...props} />
    </div>
  );
}

/** Seconds in the document, in the unit that reads best here. */
export function DurationWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const [chosen, setChosen] = useState<Unit | null>(null);
  const unit = chosen ?? unitOf(value ?? field.default);
  const seconds = (text: string) => {
    const number = numberOf(text);
    return typeof number === "number" ? Number((number * UNITS[unit]).toPrecision(12)) : number;
  };
  const shown = (now: unknown) =>
    typeof now === "number" ? String(Number((now / UNITS[unit]).toPrecision(12))) : String(now ?? "");
  const [text, read] = useTyped(value, seconds, shown);
  const preset = typeof field.default === "number" ? String(field.default / UNITS[unit]) : placeholderOf(field);
  return (
    <div className="grid grid-cols-[1fr_6.5rem] gap-2">
      <TextBox
        {...marks(props)}
        invalid={props.invalid}
        inputMode="decimal"
        value={text}
        placeholder={preset}
        onChange={(event) => onChange(read(event.target.value))}
        className="tabular-nums"
      />
      <select
        aria-label={t("unit", { field: field.title })}
        value={unit}
        onChange={(event) => setChosen(event.target.value as Unit)}
        className={cx(BOX, "h-9")}
      >
        {(Object.keys(UNITS) as Unit[]).map((each) => (
          <option key={each} value={each}>
            {t(`units.${each}`)}
          </option>
        ))}
      </select>
    </div>
  );
}
