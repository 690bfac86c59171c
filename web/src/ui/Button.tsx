import type { ComponentProps } from "react";
import { cx } from "./cx";

export type ButtonTone = "plain" | "primary" | "danger" | "quiet";
const TONES: Record<ButtonTone, string> = {
  plain: "border border-line bg-surface text-ink hover:bg-sunken",
  primary: "bg-accent text-on-accent hover:opacity-90",
  danger: "bg-bad text-surface hover:opacity-90",
  quiet: "text-ink hover:bg-sunken",
};

export function Button({
  tone = "plain",
  small = false,
  className,
  ...rest
}: ComponentProps<"button"> & { tone?: ButtonTone; small?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      className={cx(
        "inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap disabled:opacity-50",
        small ? "h-7 px-2 text-xs" : "h-9 px-3 text-sm",
        TONES[tone],
        className,
      )}
    />
  );
}

/** A button that shows a picture only. `label` is what it says to a screen reader and in its tooltip. */
export function IconButton({
  label,
  ...rest
}: Omit<ComponentProps<typeof Button>, "aria-label" | "title"> & { label: string }) {
  return (
    <Button
      tone="quiet"
      {...rest}
      aria-label={label}
      title={label}
      className={cx("aspect-square px-0", rest.className)}
    />
  );
}
