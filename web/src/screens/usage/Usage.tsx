import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Usage() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.usage")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
