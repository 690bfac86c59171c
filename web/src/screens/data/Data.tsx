import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Data() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.data")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
