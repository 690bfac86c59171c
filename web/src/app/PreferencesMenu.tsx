import { Check, Settings } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseLanguage, LANGUAGES } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { chooseSimple, useSimple } from "./simple";
import { chooseTheme, type Theme, theme } from "./theme";

const THEMES: Theme[] = ["light", "dark", "system"];
const ITEM = "flex cursor-pointer items-center gap-2 rounded px-2 py-1.5 outline-none data-highlighted:bg-sunken";

/** How it looks, in which language, and how much it shows. */
export default function PreferencesMenu() {
  const { t, i18n } = useTranslation("app");
  const isSimple = useSimple();
  const [chosen, setChosen] = useState(theme());
  const choose = (each: Theme) => {
    chooseTheme(each);
    setChosen(each);
  };
  return (
    <DropdownMenu.Root defaultOpen>
      <DropdownMenu.Trigger asChild>
        <IconButton label={t("preferences")}>
          <Settings size={17} aria-hidden />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          className="z-50 min-w-44 rounded-lg border border-line bg-raised p-1 shadow-raised"
        >
          <DropdownMenu.Label className="px-2 py-1 text-xs text-soft">{t("theme.label")}</DropdownMenu.Label>
          {THEMES.map((each) => (
            <DropdownMenu.Item key={each} className={ITEM} onSelect={() => choose(each)}>
              <span className="w-4">{chosen === each && <Check size={14} aria-hidden />}</span>
              {t(`theme.${each}`)}
            </DropdownMenu.Item>
          ))}
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.CheckboxItem
            className={ITEM}
            checked={isSimple}
            onCheckedChange={chooseSimple}
            onSelect={(event) => event.preventDefault()}
          >
            <span className="w-4">{isSimple && <Check size={14} aria-hidden />}</span>
            <span>
              {t("simple.label")}
              <span className="block max-w-52 text-xs text-soft">{t("simple.means")}</span>
            </span>
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Label className="px-2 py-1 text-xs text-soft">{t("language")}</DropdownMenu.Label>
          {LANGUAGES.map((each) => (
            <DropdownMenu.Item key={each} className={ITEM} onSelect={() => chooseLanguage(each)}>
              <span className="w-4">{i18n.language === each && <Check size={14} aria-hidden />}</span>
              {new Intl.DisplayNames([each], { type: "language" }).of(each)}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
