import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Notifications() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.notifications")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
