import { ChevronDown, FileJson, LayoutTemplate, Plus, SquareDashed } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button } from "@/ui/Button";
import { Menu, MenuItem } from "@/ui/Menu";
import { createBlank, tried } from "./actions";
import { useFileChoice } from "./Importing";

export function NewWorkflow() {
  const { t } = useTranslation("workflows");
  const [, go] = useLocation();
  const [choose, input] = useFileChoice();
  const blank = async () => {
    const made = await tried(createBlank);
    if (made) go(`/workflows/${made.id}`);
  };
  return (
    <>
      {input}
      <Menu
        className="w-76"
        button={
          <Button tone="primary">
            <Plus size={16} aria-hidden />
            {t("new")}
            <ChevronDown size={14} aria-hidden />
          </Button>
        }
      >
        <Way word="blank" icon={<SquareDashed size={18} aria-hidden />} take={() => void blank()} />
        <Way word="fromTemplate" icon={<LayoutTemplate size={18} aria-hidden />} take={() => go("/templates")} />
        <Way word="import" icon={<FileJson size={18} aria-hidden />} take={choose} />
      </Menu>
    </>
  );
}

function Way({ word, icon, take }: { word: string; icon: ReactNode; take: () => void }) {
  const { t } = useTranslation("workflows");
  return (
    <MenuItem roomy onSelect={take}>
      <span className="mt-0.5 text-accent">{icon}</span>
      <span className="flex flex-col">
        <span className="font-medium">{t(word)}</span>
        <span className="text-xs text-soft">{t(`${word}Lead`)}</span>
      </span>
    </MenuItem>
  );
}
