import { cx } from "./cx";
import { toneOf } from "./Figure";
import { profit } from "./format";

/** A gain or a loss, with its sign and in its colour. */
export function Profit({ amount, currency, className }: { amount: number; currency: string; className?: string }) {
  const tone = toneOf(amount);
  return (
    <span className={cx(className, tone === "good" && "text-good", tone === "bad" && "text-bad")}>
      {profit(amount, currency)}
    </span>
  );
}
