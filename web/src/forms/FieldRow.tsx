import { CircleHelp } from "lucide-react";
import { Tooltip } from "radix-ui";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { carried, insertReference, mannerOf, REFERENCE_TYPE, type Reference } from "./insert";
import { PreviewLine } from "./PreviewLine";
import type { Field, JsonSchema } from "./schema";
import { type FieldProblem, problemsAt, useSurroundings, useTarget } from "./surroundings";
import { isExpression } from "./values";
import { WIDGETS } from "./widgets";
import { ExpressionBox } from "./widgets/ExpressionBox";

type Props = {
  field: Field;
  path: string;
  value: unknown;
  around: Record<string, unknown>;
  root: JsonSchema;
  onChange: (value: unknown) => void;
};

/** Widgets whose parts show their own problems and previews. */
const DEEP = new Set(["list", "key-value"]);

/** A field: its label with help and unit, its widget, what its expression gives, and what is wrong with it. */
export function FieldRow(props: Props) {
  const { field, path, value, onChange } = props;
  const around = useSurroundings();
  const id = `${around.prefix}-${path.replaceAll(".", "-")}`;
  const wrong = problemsAt(around.problems, path, !DEEP.has(field.widget));
  const failing = wrong.some((each) => each.severity !== "warning");
  const manner = around.expressions ? mannerOf(field) : null;
  const mapping = useMapping(props, manner !== null);
  const whole = manner !== null && manner !== "bare" && isExpression(value);
  const [began, setBegan] = useState(false);
  const Widget = WIDGETS[field.widget] ?? WIDGETS.expression;
  const about = wrong.length > 0 ? `${id}-problem` : undefined;
  return (
    <div
      data-field={path}
      className={cx("group/field rounded-md", mapping.over && "bg-accent-soft")}
      {...mapping.handlers}
    >
      <Label field={field} id={id}>
        {manner !== null && manner !== "bare" && (
          <Mode
            title={field.title}
            expression={whole}
            onChange={(expression) => {
              setBegan(true);
              onChange(expression ? `= ${typeof value === "number" ? value : ""}` : undefined);
            }}
          />
        )}
      </Label>
      {whole || manner === "bare" ? (
        <ExpressionBox
          id={id}
          label={field.title}
          bare={manner === "bare"}
          value={typeof value === "string" ? value : ""}
          invalid={failing}
          describedBy={about}
          focused={began}
          onChange={onChange}
        />
      ) : (
        Widget?.({
          ...props,
          id,
          invalid: failing,
          describedBy: about,
          onChange: (changed) => {
            setBegan(isExpression(changed));
            onChange(changed);
          },
        })
      )}
      {!DEEP.has(field.widget) && <PreviewLine path={path} />}
      <Problems id={`${id}-problem`} problems={wrong} />
    </div>
  );
}

/** Takes references: those dropped on it, and those chosen by keyboard while it had the focus last. */
function useMapping({ field, value, path, onChange }: Props, open: boolean) {
  const take = useTarget((state) => state.take);
  const [over, setOver] = useState(false);
  const caret = useRef<[number, number] | undefined>(undefined);
  const now = useRef({ value, onChange });
  now.current = { value, onChange };
  if (!open || DEEP.has(field.widget)) return { over: false, handlers: {} };
  const insert = (reference: Reference) => {
    const manner = mannerOf(field);
    if (manner)
      now.current.onChange(
        insertReference(now.current.value, reference.source, manner, ...(caret.current ?? [])).value,
      );
    caret.current = undefined;
  };
  return {
    over,
    handlers: {
      onFocusCapture: (event: React.FocusEvent<HTMLElement>) =>
        take({ path, title: field.title, element: event.target, insert }),
      onBlurCapture: (event: React.FocusEvent) => {
        caret.current = selectionOf(event.target);
      },
      onDragOver: (event: DragEvent) => {
        if (!event.dataTransfer.types.includes(REFERENCE_TYPE)) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: (event: DragEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      },
      onDropCapture: () => setOver(false),
      onDrop: (event: DragEvent) => {
        const reference = carried(event.dataTransfer);
        if (!reference) return;
        event.preventDefault();
        insert(reference);
      },
    },
  };
}

const selectionOf = (element: EventTarget): [number, number] | undefined =>
  (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) && element.selectionStart !== null
    ? [element.selectionStart, element.selectionEnd ?? element.selectionStart]
    : undefined;

function Label({ field, id, children }: { field: Field; id: string; children: ReactNode }) {
  const { t } = useTranslation("forms");
  return (
    <div className="mb-1 flex min-h-6 items-center gap-1.5">
      <label id={`${id}-label`} htmlFor={id} className="font-medium">
        {field.title}
        {field.required && !field.input && (
          <span className="text-bad" title={t("required")}>
            <span aria-hidden> *</span>
            <span className="sr-only"> {t("required")}</span>
          </span>
        )}
      </label>
      {field.help && <Help title={field.title} text={field.help} />}
      {field.input && (
        <span
          className="rounded-full bg-sunken px-1.5 text-[11px] text-soft"
          title={t("input.help", { name: field.name })}
        >
          {t("input.label")}
        </span>
      )}
      <span className="flex-1" />
      {children}
    </div>
  );
}

export function Help({ title, text }: { title: string; text: string }) {
  const { t } = useTranslation("forms");
  const [open, setOpen] = useState(false);
  return (
    <Tooltip.Provider delayDuration={150}>
      <Tooltip.Root open={open} onOpenChange={setOpen}>
        <Tooltip.Trigger asChild>
          <button
            type="button"
            aria-label={t("help", { field: title })}
            onClick={() => setOpen(true)}
            className="grid size-5 place-items-center rounded-full text-soft hover:text-accent"
          >
            <CircleHelp size={14} aria-hidden />
          </button>
        </Tooltip.Trigger>
        <Tooltip.Portal>
          <Tooltip.Content
            side="top"
            sideOffset={4}
            collisionPadding={8}
            className="z-60 max-w-80 rounded-md border border-line bg-raised px-3 py-2 text-xs leading-relaxed shadow-raised"
          >
            {text}
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    </Tooltip.Provider>
  );
}

/** Whether the field holds a value or an expression. */
function Mode({
  title,
  expression,
  onChange,
}: {
  title: string;
  expression: boolean;
  onChange: (expression: boolean) => void;
}) {
  const { t } = useTranslation("forms");
  return (
    <button
      type="button"
      aria-pressed={expression}
      aria-label={t("mode.label", { field: title })}
      title={t(expression ? "mode.toFixed" : "mode.toExpression")}
      onClick={() => onChange(!expression)}
      className={cx(
        "h-5.5 rounded px-1.5 font-mono text-xs italic",
        expression
          ? "bg-accent-soft text-accent"
          : "text-soft opacity-50 group-focus-within/field:opacity-100 group-hover/field:opacity-100 hover:bg-sunken hover:text-ink focus-visible:opacity-100",
      )}
    >
      ƒx
    </button>
  );
}

function Problems({ id, problems }: { id: string; problems: FieldProblem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul id={id} aria-live="polite" className="mt-1 text-xs">
      {problems.map((each) => (
        <li key={`${each.field} ${each.message}`} className={each.severity === "warning" ? "text-warn" : "text-bad"}>
          {each.message} {each.hint && <span className="text-soft">{each.hint}</span>}
        </li>
      ))}
    </ul>
  );
}
