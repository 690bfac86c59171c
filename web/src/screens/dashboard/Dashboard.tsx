import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Dashboard() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.dashboard")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
