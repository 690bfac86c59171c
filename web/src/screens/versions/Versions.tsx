import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { workflowQuery } from "@/api/queries";
import { GraphView } from "@/editor/canvas/GraphView";
import { NO_MARKS, stillMarks } from "@/editor/canvas/marks";
import { asDocument, type WorkflowDocument } from "@/editor/store/types";
import { Failure } from "@/ui/Notice";
import { BackLink, useTitle } from "@/ui/Page";
import { Changes } from "./Changes";
import { type Diff, diffOf, marksOf, together } from "./diff";
import { type Version, versionQuery, versionsQuery } from "./queries";
import { Restore } from "./Restore";
import { VersionList } from "./VersionList";

const NONE = "";

export default function Versions({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const { t } = useTranslation("versions");
  const workflow = useQuery(workflowQuery(id));
  const { data, error } = useQuery(versionsQuery(id));
  const [chosen, setChosen] = useState<string>();
  const [against, setAgainst] = useState<string>();
  const versions = data?.items ?? [];
  const version = versions.find((each) => each.version === chosen) ?? versions[0];
  const base = baseOf(versions, version, against);
  const title = t("title", { name: workflow.data?.name ?? "…" });
  useTitle(title);
  return (
    <div className="grid h-full grid-cols-[18rem_minmax(0,1fr)] grid-rows-[auto_minmax(0,1fr)] max-lg:grid-cols-1 max-lg:grid-rows-[auto_auto_minmax(20rem,1fr)] max-lg:overflow-y-auto">
      <header className="col-span-full flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-surface px-4 py-2">
        <BackLink href={`/workflows/${id}`}>{t("back")}</BackLink>
        <h1 className="min-w-0 flex-1 truncate text-lg">{title}</h1>
        <Against versions={versions} version={version} base={base} choose={setAgainst} />
        {version && workflow.data && <Restore workflow={workflow.data} version={version} newest={versions[0]} />}
      </header>
      <VersionList
        versions={versions}
        chosen={version?.version}
        choose={(next) => {
          setChosen(next);
          setAgainst(undefined);
        }}
      />
      <div className="min-h-0 min-w-0">
        {error ? (
          <div className="p-4">
            <Failure error={error} />
          </div>
        ) : (
          version && <Picture id={id} version={version} base={base} />
        )}
      </div>
    </div>
  );
}

/** The version before, unless another was chosen. */
function baseOf(versions: Version[], version: Version | undefined, against: string | undefined): Version | undefined {
  if (against === NONE || version === undefined) return undefined;
  const wanted = versions.find((each) => each.version === against);
  return wanted ?? versions[versions.indexOf(version) + 1];
}

function Against(props: {
  versions: Version[];
  version: Version | undefined;
  base: Version | undefined;
  choose: (version: string) => void;
}) {
  const { t } = useTranslation("versions");
  const others = props.versions.filter((each) => each !== props.version);
  if (others.length === 0) return null;
  return (
    <label className="flex items-center gap-2 text-soft">
      {t("against")}
      <select
        value={props.base?.version ?? NONE}
        onChange={(event) => props.choose(event.target.value)}
        className="h-9 rounded-md border border-line bg-surface px-2 text-ink"
      >
        <option value={NONE}>{t("nothing")}</option>
        {others.map((each) => (
          <option key={each.version} value={each.version}>
            {t("version", { number: each.number })}
          </option>
        ))}
      </select>
    </label>
  );
}

function Picture({ id, version, base }: { id: string; version: Version; base: Version | undefined }) {
  const now = useQuery(versionQuery(id, version.version));
  const before = useQuery(versionQuery(id, base?.version));
  const [selected, setSelected] = useState<string | null>(null);
  const after = useMemo(() => now.data && asDocument(now.data.document), [now.data]);
  const old = useMemo(() => (base && before.data ? asDocument(before.data.document) : undefined), [base, before.data]);
  const diff = useMemo(() => (after && old ? diffOf(old, after) : undefined), [after, old]);
  const error = now.error ?? before.error;
  if (error) return <Failure error={error} />;
  if (after === undefined || (base && old === undefined)) return null;
  return (
    <div className="grid h-full grid-cols-[minmax(0,1fr)_20rem] max-xl:grid-cols-1 max-xl:grid-rows-[minmax(16rem,1fr)_minmax(0,14rem)]">
      <Graph key={`${version.version} ${base?.version}`} after={after} before={old} diff={diff} selected={selected} />
      <Changes diff={diff} base={base} selected={selected} select={setSelected} />
    </div>
  );
}

function Graph(props: {
  after: WorkflowDocument;
  before: WorkflowDocument | undefined;
  diff: Diff | undefined;
  selected: string | null;
}) {
  const { after, before, diff, selected } = props;
  const drawn = useMemo(() => (before && diff ? together(before, after, diff) : after), [before, after, diff]);
  const marks = useMemo(() => (diff ? stillMarks(...marksOf(diff)) : NO_MARKS), [diff]);
  return <GraphView document={drawn} marks={marks} selected={selected} />;
}
