import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Credentials() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.credentials")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
