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
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { duplicate, exportJson } from "./actions";
import { deleteSoon } from "./deleting";
import type { Listed } from "./listing";
import { Tagging } from "./Tagging";

export function RowMenu({ workflow, start }: { workflow: Listed; start: (test: boolean) => Promise<void> }) {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  const [tagging, setTagging] = useState(false);
  const item = (name: string, icon: ReactNode, act: () => void, look?: string) => (
    <MenuItem className={look} onSelect={act}>
      {icon}
      {t(`action.${name}`)}
    </MenuItem>
  );
  return (
    <>
      <Menu
        className="min-w-52"
        button={
          <IconButton label={t("menu", { name: workflow.name })}>
            <EllipsisVertical size={16} aria-hidden />
          </IconButton>
        }
      >
        {item("open", <SquarePen size={15} aria-hidden />, () => go(`/workflows/${workflow.id}`))}
        {item("run", <Play size={15} aria-hidden />, () => void start(false))}
        {item("test", <FlaskConical size={15} aria-hidden />, () => void start(true))}
        {item("versions", <GitCompare size={15} aria-hidden />, () => go(`/workflows/${workflow.id}/versions`))}
        <MenuLine />
        {item("tags", <Tags size={15} aria-hidden />, () => setTagging(true))}
        {item("duplicate", <Copy size={15} aria-hidden />, () => void duplicate(workflow))}
        {item("export", <Download size={15} aria-hidden />, () => void exportJson(workflow))}
        <MenuLine />
        {item("delete", <Trash2 size={15} aria-hidden />, () => void deleteSoon(workflow), "text-bad")}
      </Menu>
      {tagging && <Tagging workflow={workflow} onClose={() => setTagging(false)} />}
    </>
  );
}
