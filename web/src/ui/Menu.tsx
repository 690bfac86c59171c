// A menu that opens at its button.
import { DropdownMenu } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";

export function Menu({
  button,
  defaultOpen = false,
  className,
  children,
}: {
  button: ReactNode;
  defaultOpen?: boolean;
  /** How wide it is. */
  className: string;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.Root defaultOpen={defaultOpen}>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          className={cx("z-50 rounded-lg border border-line bg-raised p-1 shadow-raised", className)}
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM = "flex cursor-pointer rounded outline-none select-none data-highlighted:bg-sunken";
const LINE = "items-center gap-2 px-2 py-1.5";
const ROOMY = "items-start gap-3 px-2.5 py-2";

/** `roomy` is one of several lines. */
export function MenuItem({
  roomy = false,
  className,
  ...rest
}: ComponentProps<typeof DropdownMenu.Item> & { roomy?: boolean }) {
  return <DropdownMenu.Item {...rest} className={cx(ITEM, roomy ? ROOMY : LINE, className)} />;
}

export function MenuSwitch({ className, ...rest }: ComponentProps<typeof DropdownMenu.CheckboxItem>) {
  return <DropdownMenu.CheckboxItem {...rest} className={cx(ITEM, LINE, className)} />;
}

export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2 py-1 text-xs text-soft">{children}</DropdownMenu.Label>
);

export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;
