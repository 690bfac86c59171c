// The one form: whatever has a JSON Schema is edited with it.
import { useMemo } from "react";
import { Notice } from "@/ui/Notice";
import { Fields } from "./Fields";
import type { JsonSchema } from "./schema";
import { PLAIN, problemsAt, type Surroundings, SurroundingsContext } from "./surroundings";

type Props = {
  schema: JsonSchema;
  value: Record<string, unknown>;
  /** The whole new value, and the path of the field that changed. A field that was emptied is left out. */
  onChange: (value: Record<string, unknown>, field: string) => void;
  surroundings?: Partial<Surroundings>;
  /** Names of fields that are not shown. */
  without?: string[];
};

export function SchemaForm({ schema, value, onChange, surroundings, without }: Props) {
  const around = useMemo(() => ({ ...PLAIN, ...surroundings }), [surroundings]);
  const whole = problemsAt(around.problems, "", false);
  return (
    <SurroundingsContext value={around}>
      {whole.length > 0 && (
        <div className="mb-3">
          <Notice tone={whole.some((each) => each.severity !== "warning") ? "bad" : "warn"}>
            {whole.map((each) => (
              <p key={each.message}>
                {each.message} {each.hint && <span className="text-soft">{each.hint}</span>}
              </p>
            ))}
          </Notice>
        </div>
      )}
      <Fields schema={schema} root={schema} value={value} onChange={onChange} {...(without ? { without } : {})} />
    </SurroundingsContext>
  );
}

/** A server's field as a path in the form: `config.period` is `period`. */
export const within = (field: string | null | undefined, root: string): string => {
  if (!field || field === root) return "";
  return root && field.startsWith(`${root}.`) ? field.slice(root.length + 1) : field;
};
