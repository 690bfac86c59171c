// Widgets that are one element: number, text, select, toggle.
import { Switch } from "radix-ui";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { BOX, marks, placeholderOf, SelectBox, TextBox, type WidgetProps } from "../parts";
import { choicesOf, wordsOf } from "../schema";
import { useTyped } from "../useTyped";
import { numberOf } from "../values";

const shown = (value: unknown) => (value === null || value === undefined ? "" : String(value));

/** A number as it is being typed: `1.` and `-` are on the way to one. */
export function NumberWidget(props: WidgetProps) {
  const { field, value, onChange } = props;
  const [text, read] = useTyped(value, numberOf, shown);
  const step = field.schema.type === "integer" ? 1 : stepFor(value);
  const nudge = (event: KeyboardEvent) => {
    const by = { ArrowUp: step, ArrowDown: -step }[event.key];
    if (by === undefined || typeof (value ?? field.default) !== "number") return;
    event.preventDefault();
    const next = Number(((value ?? field.default) as number) + by * (event.shiftKey ? 10 : 1));
    onChange(within(Number(next.toPrecision(12)), field.schema.minimum, field.schema.maximum));
  };
  return (
    <div className="relative">
      <TextBox
        {...marks(props)}
        invalid={props.invalid}
        inputMode="decimal"
        value={text}
        placeholder={placeholderOf(field)}
        onKeyDown={nudge}
        onChange={(event) => onChange(read(event.target.value))}
        className={cx("tabular-nums", field.unit && "pr-16")}
      />
      {field.unit && (
        <span className="pointer-events-none absolute inset-y-0 right-3 flex items-center text-xs text-soft">
          {field.unit}
        </span>
      )}
    </div>
  );
}

const stepFor = (value: unknown): number =>
  typeof value === "number" && !Number.isInteger(value) ? 10 ** -(String(value).split(".")[1]?.length ?? 1) : 1;

const within = (value: number, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY) =>
  Math.min(Math.max(value, least), most);

const LONG = 250;

export function TextWidget(props: WidgetProps) {
  const { field, value, onChange } = props;
  const text = shown(value);
  const give = (given: string) => onChange(given === "" && !field.required ? undefined : given);
  if ((field.schema.maxLength ?? 0) <= LONG && !text.includes("\n"))
    return (
      <TextBox
        {...marks(props)}
        invalid={props.invalid}
        value={text}
        placeholder={placeholderOf(field)}
        onChange={(event) => give(event.target.value)}
      />
    );
  return <GrowingText {...props} text={text} give={give} />;
}

/** As high as its text. */
function GrowingText({ text, give, ...props }: WidgetProps & { text: string; give: (text: string) => void }) {
  const box = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, 320)}px`;
  }, [text]);
  const oneLine = /(^|_)(title|subject|url)$/.test(props.field.name);
  return (
    <textarea
      {...marks(props)}
      ref={box}
      rows={oneLine ? 1 : 3}
      value={text}
      placeholder={placeholderOf(props.field)}
      onChange={(event) => give(event.target.value)}
      className={cx(BOX, "block resize-y py-[7px]", props.invalid && "border-bad")}
    />
  );
}

const FEW = 3;
const SHORT = 24;

export function SelectWidget(props: WidgetProps) {
  const choices = choicesOf(props.field.schema);
  const optional = props.field.nullable;
  const length = choices.reduce<number>((sum, each) => sum + wordsOf(each).length, 0);
  if (choices.length > 1 && choices.length <= FEW && length <= SHORT && !optional) return <Segments {...props} />;
  return <Choices {...props} />;
}

function Choices(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const choices = choicesOf(field.schema);
  const now = value === undefined ? (field.default ?? null) : value;
  const at = choices.indexOf(now);
  return (
    <SelectBox
      {...marks(props)}
      invalid={props.invalid}
      value={at >= 0 ? String(at) : now === null ? "" : "other"}
      onChange={(event) =>
        onChange(event.target.value === "" ? (field.nullable ? null : undefined) : choices[Number(event.target.value)])
      }
    >
      {(field.nullable || now === null) && <option value="">{field.nullable ? t("unset") : t("choose")}</option>}
      {at < 0 && now !== null && <option value="other">{shown(now)}</option>}
      {choices.map((choice, index) => (
        <option key={String(choice)} value={index}>
          {wordsOf(choice)}
        </option>
      ))}
    </SelectBox>
  );
}

/** Two or three short choices, side by side. */
function Segments(props: WidgetProps) {
  const { field, value, onChange } = props;
  const now = value === undefined ? field.default : value;
  return (
    <fieldset
      aria-describedby={props.describedBy}
      aria-labelledby={`${props.id}-label`}
      className="inline-flex w-full rounded-md border border-line-strong/60 bg-sunken p-0.5"
    >
      {choicesOf(field.schema).map((choice, index) => (
        <label
          key={String(choice)}
          className={cx(
            "flex h-7.5 flex-1 cursor-pointer items-center justify-center rounded-[5px] px-2 text-center has-focus-visible:outline-2 has-focus-visible:outline-accent",
            choice === now ? "bg-surface font-medium text-accent shadow-sm" : "text-soft hover:text-ink",
          )}
        >
          <input
            type="radio"
            id={index === 0 ? props.id : undefined}
            name={props.id}
            checked={choice === now}
            onChange={() => onChange(choice)}
            className="sr-only"
          />
          {wordsOf(choice)}
        </label>
      ))}
    </fieldset>
  );
}

export function ToggleWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const on = (props.value === undefined ? props.field.default : props.value) === true;
  return (
    <span className="flex h-9 items-center gap-2.5">
      <Switch.Root
        {...marks(props)}
        checked={on}
        onCheckedChange={props.onChange}
        className="inline-flex h-5.5 w-10 shrink-0 items-center rounded-full bg-line-strong p-0.5 transition-colors data-[state=checked]:bg-accent"
      >
        <Switch.Thumb className="block size-4.5 rounded-full bg-surface transition-transform data-[state=checked]:translate-x-4.5" />
      </Switch.Root>
      <span aria-hidden className="text-soft">
        {t(on ? "on" : "off")}
      </span>
    </span>
  );
}
