import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Help() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.help")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
