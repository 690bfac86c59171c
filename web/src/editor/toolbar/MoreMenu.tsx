import { EllipsisVertical } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem } from "@/ui/Menu";
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
    <Menu
      defaultOpen
      className="min-w-56"
      button={
        <IconButton small label={t("toolbar.more")}>
          <EllipsisVertical size={16} aria-hidden />
        </IconButton>
      }
    >
      {id !== null && <MenuItem onSelect={() => go(`/workflows/${id}/versions`)}>{t("toolbar.versions")}</MenuItem>}
      {ENTRIES.map((part) => (
        <DropdownMenu.Group key={part[0]} className="border-t border-line py-1 first:border-0">
          {part.map((name) => {
            const command = commands.find((each) => each.id === name);
            return (
              <MenuItem key={name} onSelect={() => requestAnimationFrame(() => command?.run())}>
                {t(`commands.${name}`)}
                <span className="ml-auto pl-6 text-xs text-soft">{keysText(command?.keys?.[0])}</span>
              </MenuItem>
            );
          })}
        </DropdownMenu.Group>
      ))}
    </Menu>
  );
}
