import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { TourOffer } from "@/tour/TourOffer";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { useDeleting } from "./deleting";
import { Filters } from "./Filters";
import { FirstSteps } from "./FirstSteps";
import { DropImport } from "./Importing";
import { chosen, tagsOf, type View } from "./listing";
import { NewWorkflow } from "./NewWorkflow";
import { useListed } from "./queries";
import { WorkflowList } from "./WorkflowList";

const ALL: View = { search: "", show: "all", tags: [], sort: "changed" };
/** Stays as it was left while the console is open. */
const useView = create<View>(() => ALL);

export default function Workflows() {
  const { t } = useTranslation("workflows");
  const { workflows, error, refetch } = useListed();
  const view = useView();
  const gone = useDeleting((state) => state.ids);
  const here = useMemo(() => workflows?.filter(({ id }) => !gone.has(id)), [workflows, gone]);
  const shown = useMemo(() => here && chosen(here, view), [here, view]);
  const active = here?.filter((workflow) => workflow.active).length ?? 0;
  return (
    <DropImport>
      <Page title={t("title")} lead={here && t("lead", { count: here.length, active })} actions={<NewWorkflow />}>
        <TourOffer />
        <Failure
          error={error}
          action={
            <Button small onClick={refetch}>
              {t("app:retry")}
            </Button>
          }
        />
        {here && here.length > 0 && <Filters view={view} change={useView.setState} tags={tagsOf(here)} />}
        {here === undefined ? (
          !error && <Placeholder />
        ) : here.length === 0 ? (
          <FirstSteps />
        ) : shown?.length ? (
          <WorkflowList workflows={shown} />
        ) : (
          <Empty
            title={t("empty.none")}
            action={<Button onClick={() => useView.setState({ ...ALL, sort: view.sort })}>{t("empty.clear")}</Button>}
          >
            {t("empty.noneLead")}
          </Empty>
        )}
      </Page>
    </DropImport>
  );
}

function Placeholder() {
  const { t } = useTranslation("app");
  return (
    <div role="status" className="flex flex-col gap-2">
      <span className="sr-only">{t("loading")}</span>
      {[0, 1, 2].map((row) => (
        <div key={row} className="h-16 animate-pulse rounded-lg bg-sunken" />
      ))}
    </div>
  );
}
