import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { accountsQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/Field";
import { Failure } from "@/ui/Notice";
import { type Model, TIMEFRAMES, useTrain } from "./queries";

/** As many training bars as each bar of the horizon takes: the server's own rule. */
const ROWS_A_HORIZON = 20;

const wantedSchema = z
  .object({
    account: z.string().min(1),
    symbol: z.string().trim().min(1, "symbol").max(31),
    timeframe: z.enum(TIMEFRAMES),
    kind: z.enum(["ridge", "kernel"]),
    horizon: z.coerce.number().int("range").min(1, "range").max(200, "range"),
    training_bars: z.coerce.number().int("range").min(500, "range").max(4_400, "range"),
    retrain_every: z.coerce.number().int("range").min(1, "range").max(500, "range"),
  })
  .refine((wanted) => wanted.training_bars >= wanted.horizon * ROWS_A_HORIZON, {
    path: ["training_bars"],
    message: "horizon",
  });
type Typed = z.input<typeof wantedSchema>;
type Wanted = z.output<typeof wantedSchema>;

/** Trains a built-in model with the settings a forecast node has. */
export function TrainDialog({ open, onClose, like }: { open: boolean; onClose: () => void; like: Model | undefined }) {
  const { t } = useTranslation("models");
  return (
    <Dialog open={open} onClose={onClose} title={t("train.title")} description={t("train.lead")}>
      <Form onClose={onClose} like={like} />
    </Dialog>
  );
}

function Form({ onClose, like }: { onClose: () => void; like: Model | undefined }) {
  const { t } = useTranslation("models");
  const { data: accounts } = useQuery(accountsQuery());
  const train = useTrain();
  const { register, handleSubmit, formState } = useForm<Typed, unknown, Wanted>({
    resolver: zodResolver(wantedSchema),
    mode: "onChange",
    defaultValues: {
      account: "paper",
      symbol: like?.symbol ?? "EURUSD",
      timeframe: (like?.timeframe as Wanted["timeframe"] | undefined) ?? "H1",
      kind: like?.kind === "kernel" ? "kernel" : "ridge",
      horizon: like?.horizon ?? 1,
      training_bars: 2_000,
      retrain_every: 24,
    },
  });
  const wrong = (field: keyof Typed) => {
    const said = formState.errors[field]?.message;
    return said ? t(`train.wrong.${field}.${said}`, t("train.wrong.other")) : undefined;
  };
  const send = handleSubmit((wanted) => train.mutate(wanted, { onSuccess: onClose }));
  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField label={t("train.account")} {...register("account")}>
          {(accounts?.items ?? [{ name: "paper" }]).map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <TextField label={t("train.symbol")} error={wrong("symbol")} {...register("symbol")} />
        <SelectField label={t("train.timeframe")} {...register("timeframe")}>
          {TIMEFRAMES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </SelectField>
        <SelectField label={t("train.kind")} {...register("kind")}>
          <option value="ridge">{t("kind.ridge")}</option>
          <option value="kernel">{t("kind.kernel")}</option>
        </SelectField>
        <TextField
          label={t("train.horizon")}
          unit={t("train.unit")}
          inputMode="numeric"
          help={t("train.horizonHelp")}
          error={wrong("horizon")}
          {...register("horizon")}
        />
        <TextField
          label={t("train.training_bars")}
          unit={t("train.unit")}
          inputMode="numeric"
          help={t("train.trainingHelp")}
          error={wrong("training_bars")}
          {...register("training_bars")}
        />
        <TextField
          label={t("train.retrain_every")}
          unit={t("train.unit")}
          inputMode="numeric"
          help={t("train.retrainHelp")}
          error={wrong("retrain_every")}
          {...register("retrain_every")}
        />
      </div>
      <Failure error={train.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t("train.cancel")}</Button>
        <Button tone="primary" type="submit" disabled={train.isPending}>
          {t("train.start")}
        </Button>
      </div>
    </form>
  );
}
