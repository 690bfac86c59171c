import { Check, CloudOff, FileClock, HardDrive, LoaderCircle, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { type SaveState, useSaving } from "../saving/state";
import { openSheet } from "../store/ui";

const LOOKS: Record<SaveState, [typeof Check, string]> = {
  saved: [Check, "text-good"],
  keeping: [LoaderCircle, "text-soft"],
  draft: [FileClock, "text-accent"],
  local: [HardDrive, "text-warn"],
  saving: [LoaderCircle, "text-soft"],
  offline: [CloudOff, "text-bad"],
  conflict: [TriangleAlert, "text-bad"],
  failed: [TriangleAlert, "text-bad"],
};

/** Where what is on the screen is kept now. */
export function SaveNote() {
  const { t } = useTranslation("editor");
  const state = useSaving((saving) => saving.state);
  const [Icon, look] = LOOKS[state];
  const words = (
    <>
      <Icon size={14} aria-hidden className={cx(look, Icon === LoaderCircle && "animate-spin")} />
      <span className="max-lg:sr-only">{t(`save.${state}`)}</span>
    </>
  );
  return (
    <span role="status" data-save={state} title={t(`save.${state}Hint`)} className="text-xs whitespace-nowrap">
      {state === "conflict" ? (
        <button type="button" className="save-note text-bad underline" onClick={() => openSheet("conflict")}>
          {words}
        </button>
      ) : (
        <span className={cx("save-note", ["saved", "draft", "keeping", "saving"].includes(state) ? "text-soft" : look)}>
          {words}
        </span>
      )}
    </span>
  );
}
