import { EllipsisVertical } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { IconButton } from "@/ui/Button";
import type { Command } from "../commands";
import { keysText } from "../keys-text";
import { useEditor } from "../store/store";

const ENTRIES = [
  ["settings", "export"],
  ["note", "group", "tidy"],
  ["commands", "find", "shortcuts"],
];

/** What is done more seldom. */
export default function MoreMenu({ commands }: { commands: readonly Command[] }) {
  const { t } = useTranslation("editor");
  const [, go] = useLocation();
  const id = useEditor((state) => state.workflowId);
  return (
    <DropdownMenu.Root defaultOpen>
      <DropdownMenu.Trigger asChild>
        <IconButton small label={t("toolbar.more")}>
          <EllipsisVertical size={16} aria-hidden />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          className="z-50 min-w-56 rounded-lg border border-line bg-raised p-1 shadow-raised"
        >
          {id !== null && (
            <DropdownMenu.Item className="menu-item" onSelect={() => go(`/workflows/${id}/versions`)}>
              {t("toolbar.versions")}
            </DropdownMenu.Item>
          )}
          {ENTRIES.map((part) => (
            <DropdownMenu.Group key={part[0]} className="border-t border-line py-1 first:border-0">
              {part.map((name) => {
                const command = commands.find((each) => each.id === name);
                return (
                  <DropdownMenu.Item
                    key={name}
                    className="menu-item"
                    onSelect={() => requestAnimationFrame(() => command?.run())}
                  >
                    {t(`commands.${name}`)}
                    <span className="ml-auto pl-6 text-xs text-soft">{keysText(command?.keys?.[0])}</span>
                  </DropdownMenu.Item>
                );
              })}
            </DropdownMenu.Group>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
