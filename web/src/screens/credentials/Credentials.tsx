import { useQuery } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { credentialsQuery } from "@/api/queries";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { moment } from "@/ui/format";
import { Failure } from "@/ui/Notice";
import { Page } from "@/ui/Page";
import { CredentialDialog } from "./CredentialDialog";
import { type Credential, kindsQuery } from "./queries";
import { RemoveDialog } from "./RemoveDialog";

type Asked = { what: "add" } | { what: "change" | "remove"; credential: Credential };

/** Everything known of the credentials, which is never a value. */
export default function Credentials() {
  const { t } = useTranslation("credentials");
  const { data, error } = useQuery(credentialsQuery());
  const kinds = useQuery(kindsQuery());
  const [asked, setAsked] = useState<Asked | null>(null);
  const columns = useColumns(new Map(kinds.data?.items.map(({ kind, title }) => [kind, title])), setAsked);
  const add = (
    <Button tone="primary" disabled={!kinds.data} onClick={() => setAsked({ what: "add" })}>
      <Plus size={16} aria-hidden />
      {t("add")}
    </Button>
  );
  return (
    <Page title={t("title")} lead={t("lead")} actions={data?.items.length ? add : null}>
      <Failure error={error ?? kinds.error} />
      {data && (
        <DataTable
          caption={t("title")}
          rows={data.items}
          columns={columns}
          rowKey={(credential) => credential.id}
          onOpen={(credential) => setAsked({ what: "change", credential })}
          empty={
            <Empty title={t("none.title")} action={add}>
              {t("none.lead")}
            </Empty>
          }
        />
      )}
      {asked?.what === "add" && kinds.data && (
        <CredentialDialog kinds={kinds.data.items} onClose={() => setAsked(null)} />
      )}
      {asked?.what === "change" && kinds.data && (
        <CredentialDialog kinds={kinds.data.items} credential={asked.credential} onClose={() => setAsked(null)} />
      )}
      {asked?.what === "remove" && <RemoveDialog credential={asked.credential} onClose={() => setAsked(null)} />}
    </Page>
  );
}

function useColumns(kinds: Map<string, string>, ask: (asked: Asked) => void): Column<Credential>[] {
  const { t } = useTranslation("credentials");
  return [
    {
      id: "name",
      header: t("column.name"),
      sort: (each) => each.name,
      cell: (each) => (
        <span className="inline-flex items-center gap-2 font-medium">
          <KeyRound size={15} aria-hidden className="shrink-0 text-soft" />
          {each.name}
        </span>
      ),
    },
    {
      id: "kind",
      header: t("column.kind"),
      sort: (each) => kinds.get(each.kind) ?? each.kind,
      cell: (each) => kinds.get(each.kind) ?? each.kind,
    },
    {
      id: "fields",
      header: t("column.fields"),
      cell: (each) => (
        <span className="flex flex-wrap gap-1">
          {each.fields.map((field) => (
            <Badge key={field}>{field}</Badge>
          ))}
        </span>
      ),
    },
    {
      id: "used",
      header: t("column.used"),
      sort: (each) => each.last_used_at,
      cell: (each) => (each.last_used_at ? moment(each.last_used_at) : <span className="text-soft">{t("never")}</span>),
    },
    {
      id: "changed",
      header: t("column.changed"),
      sort: (each) => each.updated_at,
      cell: (each) => moment(each.updated_at),
    },
    {
      id: "actions",
      header: <span className="sr-only">{t("column.actions")}</span>,
      align: "right",
      cell: (each) => (
        <span className="inline-flex">
          <IconButton
            small
            label={t("changeNamed", { name: each.name })}
            onClick={() => ask({ what: "change", credential: each })}
          >
            <Pencil size={15} aria-hidden />
          </IconButton>
          <IconButton
            small
            label={t("deleteNamed", { name: each.name })}
            onClick={() => ask({ what: "remove", credential: each })}
          >
            <Trash2 size={15} aria-hidden />
          </IconButton>
        </span>
      ),
    },
  ];
}
