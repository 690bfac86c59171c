import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CodeLanguage } from "../code/CodeEditor";
import { BOX, type WidgetProps } from "../parts";

const CodeEditor = lazy(() => import("../code/CodeEditor"));

/** SQL, JSON or markup. JSON that cannot be read yet stays on the screen, and the last that could be is kept. */
export function CodeWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const json = field.schema.type === "object" || field.schema.type === "array";
  const language: CodeLanguage = json ? "json" : field.name === "sql" ? "sql" : "text";
  const [typed, setTyped] = useState<string | null>(null);
  const written = json
    ? JSON.stringify(value ?? field.default ?? {}, null, 2)
    : value === null || value === undefined
      ? ""
      : String(value);
  const broken = json && typed !== null && parsed(typed) === undefined;
  const same = typed !== null && (broken || JSON.stringify(parsed(typed)) === JSON.stringify(value ?? {}));
  const give = (text: string) => {
    if (!json) return onChange(text === "" && !field.required ? undefined : text);
    setTyped(text);
    const read = parsed(text === "" ? "{}" : text);
    if (read !== undefined) onChange(read);
  };
  const text = json && same ? (typed ?? written) : written;
  return (
    <>
      <Suspense
        fallback={
          <textarea
            id={props.id}
            rows={4}
            value={text}
            onChange={(event) => give(event.target.value)}
            className={`${BOX} block py-2 font-mono text-[13px]`}
          />
        }
      >
        <CodeEditor id={props.id} label={field.title} language={language} text={text} onChange={give} />
      </Suspense>
      {broken && (
        <p role="alert" className="mt-1 text-xs text-bad">
          {t("code.broken")}
        </p>
      )}
    </>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
