import { useState } from "react";
import { useTranslation } from "react-i18next";
import { carried, insertReference, type Reference } from "../insert";
import { PreviewLine } from "../PreviewLine";
import { TextBox } from "../parts";
import { problemsAt, useSurroundings, useTarget } from "../surroundings";
import { useTyped } from "../useTyped";
import { isExpression, jsonOf, lineOf } from "../values";
import { ExpressionBox } from "./ExpressionBox";

/** A small value that may be fixed or an expression: what begins with `=` is one. Takes references that are dropped. */
export function MappedBox({
  id,
  label,
  path,
  fixed,
  text,
  value,
  placeholder,
  within = false,
  onChange,
}: {
  id?: string | undefined;
  label: string;
  path: string;
  fixed: boolean;
  text: boolean;
  value: unknown;
  placeholder?: string | undefined;
  /** It is the whole of a field, which shows what it gives and what is wrong. */
  within?: boolean;
  onChange: (value: unknown) => void;
}) {
  const { t } = useTranslation("forms");
  const { expressions, problems } = useSurroundings();
  const open = expressions && !fixed;
  const take = useTarget((state) => state.take);
  const insert = (reference: Reference) =>
    onChange(insertReference(value, reference.source, text ? "text" : "whole").value);
  const [line, read] = useTyped(
    value,
    (typed) => (text ? typed : jsonOf(typed)),
    (now) => (text ? String(now ?? "") : lineOf(now)),
  );
  const [began, setBegan] = useState(false);
  const wrong = problemsAt(problems, path, false)[0];
  const drop = open
    ? {
        onFocusCapture: (event: React.FocusEvent<HTMLElement>) =>
          take({ path, title: label, element: event.target, insert }),
        onDragOver: (event: React.DragEvent) => event.preventDefault(),
        onDrop: (event: React.DragEvent) => {
          const reference = carried(event.dataTransfer);
          if (!reference) return;
          event.preventDefault();
          event.stopPropagation();
          insert(reference);
        },
      }
    : {};
  return (
    <div {...drop} className="min-w-0">
      {open && isExpression(value) ? (
        <ExpressionBox id={id} label={label} value={value} focused={began} onChange={onChange} />
      ) : (
        <TextBox
          id={id}
          aria-label={label}
          invalid={!!wrong}
          value={line}
          placeholder={placeholder ?? (open ? t("keyvalue.valuePlaceholder") : "")}
          onChange={(event) => {
            setBegan(true);
            onChange(read(event.target.value));
          }}
        />
      )}
      {!within && <PreviewLine path={path} />}
      {!within && wrong && <p className="mt-0.5 text-xs text-bad">{wrong.message}</p>}
    </div>
  );
}
