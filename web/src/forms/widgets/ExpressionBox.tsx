import { lazy, Suspense } from "react";
import { cx } from "@/ui/cx";
import { BOX } from "../parts";

const ExpressionEditor = lazy(() => import("../code/ExpressionEditor"));

type Props = {
  id?: string | undefined;
  label: string;
  /** With its `=`; without one where the text is itself an expression (`bare`). */
  value: string;
  onChange: (value: string) => void;
  bare?: boolean;
  /** It was begun by typing `=`: the focus comes along. */
  focused?: boolean;
  invalid?: boolean;
  describedBy?: string | undefined;
};

const bareText = (value: string): string => value.replace(/^=\s?/, "");

/** An expression with its language's colours and completion. */
export function ExpressionBox({ value, onChange, bare = false, invalid, ...rest }: Props) {
  const text = bare ? value : bareText(value);
  const give = (changed: string) => onChange(bare ? changed : `= ${changed}`);
  return (
    <div
      className={cx(
        "grid min-h-9 grid-cols-[auto_1fr] overflow-hidden rounded-md border bg-surface",
        invalid ? "border-bad" : "border-line-strong/60 focus-within:border-accent",
      )}
    >
      <span
        aria-hidden
        className="flex items-start border-r border-line bg-accent-soft px-2 pt-1.5 font-mono text-accent italic select-none"
      >
        ƒ
      </span>
      <Suspense
        fallback={
          <textarea
            id={rest.id}
            aria-label={rest.label}
            rows={1}
            value={text}
            onChange={(event) => give(event.target.value)}
            className={cx(BOX, "block border-0 py-1.5 font-mono text-[13px]")}
          />
        }
      >
        <ExpressionEditor {...rest} invalid={invalid} text={text} onChange={give} />
      </Suspense>
    </div>
  );
}
