import {
  Copy,
  Download,
  EllipsisVertical,
  FlaskConical,
  GitCompare,
  Play,
  SquarePen,
  Tags,
  Trash2,
} from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { IconButton } from "@/ui/Button";
import { duplicate, exportJson } from "./actions";
import { deleteSoon } from "./deleting";
import type { Listed } from "./listing";
import { Tagging } from "./Tagging";

const ITEM =
  "flex cursor-pointer items-center gap-2.5 rounded px-2 py-1.5 outline-none data-highlighted:bg-sunken select-none";

export function RowMenu({ workflow, start }: { workflow: Listed; start: (test: boolean) => Promise<void> }) {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  const [tagging, setTagging] = useState(false);
  const item = (name: string, icon: ReactNode, act: () => void, look = "") => (
    <DropdownMenu.Item className={`${ITEM} ${look}`} onSelect={act}>
      {icon}
      {t(`action.${name}`)}
    </DropdownMenu.Item>
  );
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        <IconButton label={t("menu", { name: workflow.name })}>
          <EllipsisVertical size={16} aria-hidden />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          className="z-50 min-w-52 rounded-lg border border-line bg-raised p-1 shadow-raised"
        >
          {item("open", <SquarePen size={15} aria-hidden />, () => go(`/workflows/${workflow.id}`))}
          {item("run", <Play size={15} aria-hidden />, () => void start(false))}
          {item("test", <FlaskConical size={15} aria-hidden />, () => void start(true))}
          {item("versions", <GitCompare size={15} aria-hidden />, () => go(`/workflows/${workflow.id}/versions`))}
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          {item("tags", <Tags size={15} aria-hidden />, () => setTagging(true))}
          {item("duplicate", <Copy size={15} aria-hidden />, () => void duplicate(workflow))}
          {item("export", <Download size={15} aria-hidden />, () => void exportJson(workflow))}
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          {item("delete", <Trash2 size={15} aria-hidden />, () => void deleteSoon(workflow), "text-bad")}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
      {tagging && <Tagging workflow={workflow} onClose={() => setTagging(false)} />}
    </DropdownMenu.Root>
  );
}
