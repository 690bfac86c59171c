import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "@/api/client";
import type { Tone } from "./Badge";
import { cx } from "./cx";

const ICONS = { neutral: Info, accent: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };
const TONES: Record<Tone, string> = {
  neutral: "border-line bg-sunken text-ink",
  accent: "border-accent bg-accent-soft text-ink",
  good: "border-good bg-good-soft text-ink",
  warn: "border-warn bg-warn-soft text-ink",
  bad: "border-bad bg-bad-soft text-ink",
};

export function Notice({
  tone = "neutral",
  children,
  action,
}: {
  tone?: Tone;
  children: ReactNode;
  action?: ReactNode;
}) {
  const Icon = ICONS[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={cx("flex items-start gap-2 rounded-md border px-3 py-2", TONES[tone])}
    >
      <Icon size={16} aria-hidden className="mt-0.5 shrink-0" />
      <div className="min-w-0 flex-1 break-words">{children}</div>
      {action}
    </div>
  );
}

/** A failure as people need it: what is wrong, where, and what to do. */
export function Failure({ error, action }: { error: unknown; action?: ReactNode }) {
  if (!error) return null;
  const trouble =
    error instanceof ApiError ? error.trouble : { message: error instanceof Error ? error.message : String(error) };
  const where = "field" in trouble && trouble.field ? `${trouble.field}: ` : "";
  const problems = "problems" in trouble ? (trouble.problems ?? []) : [];
  return (
    <Notice tone="bad" action={action}>
      <p>
        <span className="font-mono text-xs">{where}</span>
        {trouble.message}
      </p>
      {"hint" in trouble && trouble.hint && <p className="text-soft">{trouble.hint}</p>}
      {problems.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {problems.map((problem) => (
            <li key={`${problem.node} ${problem.field} ${problem.message}`}>
              {[problem.node, problem.field].filter(Boolean).join(" · ")} {problem.message} {problem.hint}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
