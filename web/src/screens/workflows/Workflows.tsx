import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Workflows() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.workflows")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
