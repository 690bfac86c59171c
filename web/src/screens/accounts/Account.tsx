import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function Account() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.accounts")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
