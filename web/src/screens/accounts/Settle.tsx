import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { SelectField, TextField } from "@/ui/Field";
import { moment } from "@/ui/format";
import { toast } from "@/ui/toast";
import { useSettle } from "./queries";
import { ReasonDialog } from "./ReasonDialog";

type Order = Schemas["OrderItem"];
type Decision = Schemas["SettleOrder"]["decision"];
const DECISIONS: Decision[] = ["not_sent", "order", "deal", "position"];

/** Orders whose outcome nobody told: those being asked about, and those that wait for a person. */
export function Settle({ orders }: { orders: Order[] }) {
  const { t } = useTranslation("accounts");
  const [asked, setAsked] = useState<Order | null>(null);
  if (orders.length === 0) return <Empty title={t("settle.empty")}>{t("settle.emptyLead")}</Empty>;
  return (
    <div className="flex flex-col gap-3">
      <p className="text-soft">{t("settle.lead")}</p>
      <ul className="flex flex-col gap-2">
        {orders.map((order) => (
          <li key={order.id} className="flex flex-wrap items-center gap-3 rounded-lg border border-line bg-surface p-3">
            <div className="min-w-0 flex-1">
              <p className="font-medium">
                {order.what}{" "}
                <Badge tone={order.state === "manual" ? "bad" : "warn"}>
                  {t(order.state === "manual" ? "settle.title" : "settle.unknown")}
                </Badge>
              </p>
              <p className="text-soft">
                {moment(order.created_at)} UTC · {t("settle.asked", { count: order.checks ?? 0 })}
                {order.message && ` · ${order.message}`} ·{" "}
                <Link href={`/executions/${order.execution_id}`} className="text-accent hover:underline">
                  {order.execution_id}
                </Link>
              </p>
            </div>
            {order.state === "manual" ? (
              <Button tone="primary" onClick={() => setAsked(order)}>
                {t("settle.settle")}
              </Button>
            ) : (
              <span className="text-soft">{t("settle.unknownLead")}</span>
            )}
          </li>
        ))}
      </ul>
      {asked && <SettleDialog order={asked} onClose={() => setAsked(null)} />}
    </div>
  );
}

function SettleDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useTranslation("accounts");
  const [decision, setDecision] = useState<Decision>("position");
  const [ticket, setTicket] = useState("");
  const settle = useSettle();
  const sent = decision !== "not_sent";
  const ready = !sent || /^[1-9]\d*$/.test(ticket.trim());

  function confirm(reason: string) {
    settle.mutate(
      { order: order.id, body: { decision, reason, ...(sent && { ticket: Number(ticket) }) } },
      {
        onSuccess: () => {
          toast.done(t("settle.done"));
          onClose();
        },
      },
    );
  }

  return (
    <ReasonDialog
      title={t("settle.dialog")}
      description={`${order.what} · ${order.account} · ${moment(order.created_at)} UTC`}
      confirm={t("settle.settle")}
      pending={settle.isPending}
      error={settle.error}
      ready={ready}
      onClose={onClose}
      onConfirm={confirm}
    >
      <SelectField
        label={t("settle.dialog")}
        value={decision}
        onChange={(event) => setDecision(event.target.value as Decision)}
      >
        {DECISIONS.map((each) => (
          <option key={each} value={each}>
            {t(`settle.decision.${each}`)}
          </option>
        ))}
      </SelectField>
      {sent && (
        <TextField
          label={t("settle.ticket")}
          inputMode="numeric"
          value={ticket}
          error={ticket !== "" && !ready ? t("settle.ticketMissing") : null}
          onChange={(event) => setTicket(event.target.value)}
        />
      )}
    </ReasonDialog>
  );
}
