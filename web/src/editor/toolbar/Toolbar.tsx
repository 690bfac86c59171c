import {
  Bug,
  ChevronLeft,
  CircleAlert,
  CircleCheck,
  FlaskConical,
  LoaderCircle,
  Play,
  Redo2,
  Save,
  TriangleAlert,
  Undo2,
} from "lucide-react";
import { Switch } from "radix-ui";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Button, IconButton } from "@/ui/Button";
import type { Command } from "../commands";
import { keysText } from "../keys-text";
import { useLastRun } from "../running/run";
import { errorsIn, useProblems } from "../running/validation";
import { useSaving } from "../saving/state";
import { edit, redo, undo, useEditor, useHistory } from "../store/store";
import { openSheet } from "../store/ui";
import { More } from "./More";
import { SaveNote } from "./SaveNote";

export function Toolbar({ commands }: { commands: readonly Command[] }) {
  const { t } = useTranslation("editor");
  const run = (id: string) => () => commands.find((command) => command.id === id)?.run();
  const keys = (id: string) => keysText(commands.find((command) => command.id === id)?.keys?.[0]);
  const named = (id: string) => `${t(`commands.${id}`)} ${keys(id)}`.trim();
  const state = useSaving((saving) => saving.state);
  const starting = useLastRun((last) => last.starting);
  const dirty = state !== "saved" && state !== "saving";
  return (
    <div role="toolbar" aria-label={t("toolbar.label")} className="editor-toolbar">
      <Link href="/workflows" aria-label={t("toolbar.back")} title={t("toolbar.back")} className="toolbar-back">
        <ChevronLeft size={18} aria-hidden />
      </Link>
      <Name />
      <SaveNote />
      <span className="flex-1" />
      <History />
      <Problems />
      <span className="toolbar-line" aria-hidden />
      <IconButton small label={named("debug")} onClick={run("debug")} className="max-md:hidden">
        <Bug size={16} aria-hidden />
      </IconButton>
      <Button small title={named("test")} onClick={run("test")} disabled={starting}>
        <FlaskConical size={14} aria-hidden />
        <span className="max-sm:sr-only">{t("toolbar.test")}</span>
      </Button>
      <Button small title={named("run")} onClick={run("run")} disabled={starting}>
        {starting ? <LoaderCircle size={14} aria-hidden className="animate-spin" /> : <Play size={14} aria-hidden />}
        <span className="max-sm:sr-only">{t("toolbar.run")}</span>
      </Button>
      <Button small tone={dirty ? "primary" : "plain"} title={named("save")} onClick={run("save")} disabled={!dirty}>
        <Save size={14} aria-hidden />
        <span className="max-sm:sr-only">{t("toolbar.save")}</span>
      </Button>
      <Active onChange={run("activate")} />
      <More commands={commands} />
    </div>
  );
}

function Name() {
  const { t } = useTranslation("editor");
  const name = useEditor((state) => state.document.name);
  return (
    <input
      aria-label={t("toolbar.name")}
      value={name}
      maxLength={120}
      placeholder={t("toolbar.unnamed")}
      onChange={(event) => edit((document) => ({ ...document, name: event.target.value }), "name")}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      className="toolbar-name"
    />
  );
}

function History() {
  const { t } = useTranslation("editor");
  const canUndo = useHistory((state) => state.pastStates.length > 0);
  const canRedo = useHistory((state) => state.futureStates.length > 0);
  return (
    <span className="flex max-sm:hidden">
      <IconButton small label={`${t("commands.undo")} ${keysText("Mod+Z")}`} disabled={!canUndo} onClick={undo}>
        <Undo2 size={16} aria-hidden />
      </IconButton>
      <IconButton small label={`${t("commands.redo")} ${keysText("Mod+Shift+Z")}`} disabled={!canRedo} onClick={redo}>
        <Redo2 size={16} aria-hidden />
      </IconButton>
    </span>
  );
}

function Problems() {
  const { t } = useTranslation("editor");
  const { problems, checked } = useProblems();
  const errors = errorsIn(problems).length;
  const Icon = errors ? CircleAlert : problems.length ? TriangleAlert : CircleCheck;
  const look = errors ? "text-bad" : problems.length ? "text-warn" : "text-good";
  const words = problems.length ? t("problems.count", { count: problems.length }) : t("problems.none");
  return (
    <Button
      small
      tone="quiet"
      aria-label={words}
      data-problems={checked ? errors : undefined}
      onClick={() => openSheet("problems")}
    >
      <Icon size={15} aria-hidden className={checked ? look : "text-soft"} />
      <span className="max-lg:hidden">{words}</span>
    </Button>
  );
}

function Active({ onChange }: { onChange: () => void }) {
  const { t } = useTranslation("editor");
  const active = useSaving((saving) => saving.saved?.active ?? false);
  return (
    <span className="flex items-center gap-1.5 pl-1 text-xs font-medium">
      <Switch.Root checked={active} onCheckedChange={onChange} aria-label={t("toolbar.active")} className="switch">
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
      <span aria-hidden className={active ? "text-good max-md:hidden" : "text-soft max-md:hidden"}>
        {t(active ? "toolbar.on" : "toolbar.off")}
      </span>
    </span>
  );
}
