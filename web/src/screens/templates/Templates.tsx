import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Templates() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.templates")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
