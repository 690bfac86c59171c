import { ChevronRight, Copy } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { toast } from "@/ui/toast";
import { entriesOf, isBranch, short } from "./values";

const MOST = 50;

/** Data as a tree that opens by steps, or as JSON. A large one is drawn in parts. */
export function Values({ title, value }: { title: string; value: unknown }) {
  const { t } = useTranslation("runs");
  const [json, setJson] = useState(false);
  return (
    <section>
      <div className="flex items-center gap-2">
        <h3 className="flex-1 font-medium">{title}</h3>
        {isBranch(value) && (
          <button
            type="button"
            aria-pressed={json}
            onClick={() => setJson(!json)}
            className="rounded px-1.5 text-xs text-accent hover:bg-sunken"
          >
            {t(json ? "details.tree" : "details.json")}
          </button>
        )}
        <IconButton small label={t("details.copy")} onClick={() => copy(value, t("details.copied"))}>
          <Copy size={13} aria-hidden />
        </IconButton>
      </div>
      {json ? (
        <pre className="max-h-96 overflow-auto rounded-md bg-sunken p-2 font-mono text-xs">
          {JSON.stringify(value, null, 2)}
        </pre>
      ) : (
        <div className="rounded-md bg-sunken p-1.5 font-mono text-xs">
          {isBranch(value) ? (
            <Branch value={value} />
          ) : (
            <span className="break-words whitespace-pre-wrap">{short(value)}</span>
          )}
        </div>
      )}
    </section>
  );
}

function copy(value: unknown, done: string): void {
  navigator.clipboard.writeText(JSON.stringify(value, null, 2)).then(() => toast.done(done), toast.failed);
}

function Branch({ value }: { value: object }) {
  const { t } = useTranslation("runs");
  const [most, setMost] = useState(MOST);
  const entries = entriesOf(value);
  return (
    <ul>
      {entries.slice(0, most).map(([name, each]) => (
        <Entry key={name} name={name} value={each} />
      ))}
      {entries.length > most && (
        <li>
          <button type="button" className="px-5 text-accent" onClick={() => setMost(most + 10 * MOST)}>
            {t("details.moreItems", { count: entries.length - most })}
          </button>
        </li>
      )}
    </ul>
  );
}

function Entry({ name, value }: { name: string; value: unknown }) {
  const [open, setOpen] = useState(false);
  if (!isBranch(value) || entriesOf(value).length === 0) {
    return (
      <li className="flex gap-2 py-px pl-5">
        <span className="shrink-0 text-soft">{name}</span>
        <span className={cx("min-w-0 break-words", LOOKS[typeof value])}>
          {isBranch(value) ? short(value) : whole(value)}
        </span>
      </li>
    );
  }
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex w-full items-center gap-1 rounded py-px text-left hover:bg-surface"
      >
        <ChevronRight size={14} aria-hidden className={cx("shrink-0 text-soft", open && "rotate-90")} />
        <span className="text-soft">{name}</span>
        <span>{short(value)}</span>
      </button>
      {open && (
        <div className="ml-2 border-l border-line">
          <Branch value={value} />
        </div>
      )}
    </li>
  );
}

const LOOKS: Record<string, string> = { number: "text-accent tabular-nums", boolean: "text-warn" };
const whole = (value: unknown): string => (typeof value === "string" ? value : short(value));
