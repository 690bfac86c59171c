import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Route, Router, Switch } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { queryClient } from "@/api/queries";
import { onToken, token } from "@/api/token";
import { Companion } from "@/tour/Companion";
import { Empty } from "@/ui/Empty";
import { Page } from "@/ui/Page";
import { Toasts } from "@/ui/toast";
import { CrashGuard } from "./CrashGuard";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { SCREENS } from "./screens";

export function App() {
  const given = useSyncExternalStore(onToken, token);
  return (
    <QueryClientProvider client={queryClient}>
      {given === "" ? (
        <SignIn />
      ) : (
        <Router hook={useHashLocation}>
          <Shell>
            <Suspense fallback={<Waiting />}>
              <Switch>
                {SCREENS.map(({ path, screen: Screen }) => (
                  <Route key={path} path={path}>
                    {(params) => (
                      <CrashGuard key={JSON.stringify(params)}>
                        <Screen params={params as Record<string, string>} />
                      </CrashGuard>
                    )}
                  </Route>
                ))}
                <Route>
                  <Missing />
                </Route>
              </Switch>
            </Suspense>
          </Shell>
          <Companion />
        </Router>
      )}
      <Toasts />
    </QueryClientProvider>
  );
}

function Waiting() {
  const { t } = useTranslation("app");
  return (
    <p role="status" className="p-6 text-soft">
      {t("loading")}
    </p>
  );
}

function Missing() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("missing.title")}>
      <Empty title={t("missing.title")}>{t("missing.lead")}</Empty>
    </Page>
  );
}
