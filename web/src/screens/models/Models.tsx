import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Models() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.models")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
