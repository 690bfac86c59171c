import { useTranslation } from "react-i18next";
import { Page } from "@/ui/Page";

export default function ExecutionView() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("nav.executions")}>
      <p className="text-soft">{t("loading")}</p>
    </Page>
  );
}
