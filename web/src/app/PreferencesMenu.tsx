import { Check, Settings } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseLanguage, LANGUAGES } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel, MenuLine, MenuSwitch } from "@/ui/Menu";
import { chooseSimple, useSimple } from "./simple";
import { chooseTheme, type Theme, theme } from "./theme";

const THEMES: Theme[] = ["light", "dark", "system"];

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
    <Menu
      defaultOpen
      className="min-w-44"
      button={
        <IconButton label={t("preferences")}>
          <Settings size={17} aria-hidden />
        </IconButton>
      }
    >
      <MenuLabel>{t("theme.label")}</MenuLabel>
      {THEMES.map((each) => (
        <MenuItem key={each} onSelect={() => choose(each)}>
          <span className="w-4">{chosen === each && <Check size={14} aria-hidden />}</span>
          {t(`theme.${each}`)}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuSwitch checked={isSimple} onCheckedChange={chooseSimple} onSelect={(event) => event.preventDefault()}>
        <span className="w-4">{isSimple && <Check size={14} aria-hidden />}</span>
        <span>
          {t("simple.label")}
          <span className="block max-w-52 text-xs text-soft">{t("simple.means")}</span>
        </span>
      </MenuSwitch>
      <MenuLine />
      <MenuLabel>{t("language")}</MenuLabel>
      {LANGUAGES.map((each) => (
        <MenuItem key={each} onSelect={() => chooseLanguage(each)}>
          <span className="w-4">{i18n.language === each && <Check size={14} aria-hidden />}</span>
          {new Intl.DisplayNames([each], { type: "language" }).of(each)}
        </MenuItem>
      ))}
    </Menu>
  );
}
