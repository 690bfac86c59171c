// Widgets that offer what the system knows: symbols, credentials, fire times of a schedule.
import { useQuery } from "@tanstack/react-query";
import { CalendarClock } from "lucide-react";
import { useDeferredValue } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api, told } from "@/api/client";
import { credentialsQuery, queryClient } from "@/api/queries";
import { cx } from "@/ui/cx";
import { moment } from "@/ui/format";
import { marks, placeholderOf, SelectBox, TextBox, type WidgetProps } from "../parts";
import { useSurroundings } from "../surroundings";

/** A symbol as the broker spells it. Those this page has seen are offered. */
export function SymbolWidget(props: WidgetProps) {
  const { field, value, onChange } = props;
  const list = `${props.id}-known`;
  return (
    <>
      <TextBox
        {...marks(props)}
        invalid={props.invalid}
        list={list}
        value={String(value ?? "")}
        placeholder={placeholderOf(field)}
        onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        className="font-medium tracking-wide"
      />
      <datalist id={list}>
        {knownSymbols(field.examples).map((symbol) => (
          <option key={symbol} value={symbol} />
        ))}
      </datalist>
    </>
  );
}

/** Symbols in whatever was read so far: positions, orders, trades, outputs. */
function knownSymbols(examples: unknown[]): string[] {
  const found = new Set(examples.filter((each): each is string => typeof each === "string" && !each.startsWith("=")));
  for (const [, data] of queryClient.getQueriesData({ queryKey: ["accounts"] })) {
    for (const [, symbol] of JSON.stringify(data ?? null).matchAll(/"symbol":"([^"\\]{1,32})"/g))
      if (symbol) found.add(symbol);
  }
  return [...found].sort();
}

export function CredentialWidget(props: WidgetProps) {
  const { t } = useTranslation("forms");
  const { field, value, onChange } = props;
  const { credentialKinds } = useSurroundings();
  const { data, isPending, error } = useQuery(credentialsQuery());
  const fits = /of the kind (\w+)/.exec(field.help)?.[1];
  const kinds = fits ? [fits] : credentialKinds;
  const items = (data?.items ?? []).filter((each) => kinds.length === 0 || kinds.includes(each.kind));
  const gone = typeof value === "string" && value !== "" && !!data && !items.some((each) => each.id === value);
  return (
    <div className="flex flex-col gap-1">
      <SelectBox
        {...marks(props)}
        invalid={props.invalid}
        value={typeof value === "string" ? value : ""}
        onChange={(event) => onChange(event.target.value || undefined)}
      >
        <option value="">{t(isPending ? "credential.reading" : field.required ? "choose" : "unset")}</option>
        {gone && <option value={value}>{t("credential.gone")}</option>}
        {items.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </SelectBox>
      <p className="text-xs text-soft">
        {error ? `${error.message} ` : items.length === 0 && !isPending ? `${t("credential.none")} ` : ""}
        <Link href="/credentials" className="text-accent underline">
          {t("credential.add")}
        </Link>
      </p>
    </div>
  );
}

const PRESETS = ["*/15 * * * MON-FRI", "0 * * * *", "0 9 * * MON-FRI", "rate(5 minutes)", "0 0 1 * *"];

/** The text of a schedule, ready ones to choose from, and when it fires next. */
export function CronWidget(props: WidgetProps & { around: Record<string, unknown> }) {
  const { t } = useTranslation("forms");
  const { value, onChange, around } = props;
  const { account } = useSurroundings();
  const config = useDeferredValue({ ...around, expression: value ?? "" });
  const { data } = useQuery({
    queryKey: ["schedule-preview", account, config],
    enabled: typeof value === "string" && value.trim() !== "",
    queryFn: () =>
      told(api.POST("/api/agentic/schedules/preview", { body: { config, count: 5, account: account ?? null } })),
  });
  const fires = value && data?.problems?.length === 0 ? data.fires : [];
  return (
    <div className="flex flex-col gap-1.5">
      <TextBox
        {...marks(props)}
        invalid={props.invalid}
        value={String(value ?? "")}
        placeholder={placeholderOf(props.field)}
        onChange={(event) => onChange(event.target.value)}
        className="font-mono text-[13px]"
      />
      <div className="flex flex-wrap gap-1.5">
        {PRESETS.map((preset, index) => (
          <button
            key={preset}
            type="button"
            aria-pressed={preset === value}
            onClick={() => onChange(preset)}
            className={cx(
              "rounded-full border px-2.5 py-0.5 text-xs",
              preset === value
                ? "border-accent bg-accent-soft font-medium text-accent"
                : "border-line text-soft hover:border-line-strong hover:text-ink",
            )}
          >
            {t(`cron.preset${index}`)}
          </button>
        ))}
      </div>
      {fires.length > 0 && (
        <div className="rounded-md bg-sunken px-3 py-2 text-xs">
          <p className="flex items-center gap-1.5 font-medium text-soft">
            <CalendarClock size={13} aria-hidden /> {t("cron.next")}
          </p>
          <ol className="mt-1 tabular-nums">
            {fires.map((fire) => (
              <li key={fire.local} className={fire.at ? "" : "text-soft line-through"}>
                {fire.at ? moment(fire.at) : fire.local}
                {fire.change && <span className="text-warn"> · {t(`cron.${fire.change}`)}</span>}
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  );
}
