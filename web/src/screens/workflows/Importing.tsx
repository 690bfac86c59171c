import { FileDown } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { importFiles, type Refused } from "./actions";

const useRefused = create<{ refused: Refused[] }>(() => ({ refused: [] }));

/** Imports files and tells how it went; what was refused, and why, stays on screen until it is read. */
function useImport() {
  const { t } = useTranslation("workflows");
  return async (files: Iterable<File>) => {
    const { made, refused } = await importFiles(files);
    if (made > 0) toast.done(t("importing.done", { count: made }));
    useRefused.setState({ refused });
  };
}

/** Opens the browser's choice of files; the element belongs into the page. */
export function useFileChoice(): [choose: () => void, input: ReactNode] {
  const { t } = useTranslation("workflows");
  const input = useRef<HTMLInputElement>(null);
  const take = useImport();
  return [
    () => input.current?.click(),
    <input
      key="files"
      ref={input}
      type="file"
      multiple
      accept="application/json,.json"
      aria-label={t("import")}
      className="hidden"
      onChange={(event) => {
        const files = [...(event.target.files ?? [])];
        event.target.value = ""; // the same file can be chosen again
        void take(files);
      }}
    />,
  ];
}

/** A page on which files can be dropped, and where it is told which of them were refused. */
export function DropImport({ children }: { children: ReactNode }) {
  const { t } = useTranslation("workflows");
  const [over, setOver] = useState(false);
  const take = useImport();
  const withFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the menu's import is the first
    <div
      className="relative min-h-full"
      onDragOver={(event) => {
        if (!withFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)}
      onDrop={(event) => {
        if (!withFiles(event)) return;
        event.preventDefault();
        setOver(false);
        void take([...event.dataTransfer.files]);
      }}
    >
      {children}
      {over && (
        <div className="pointer-events-none absolute inset-2 grid place-items-center rounded-xl border-2 border-dashed border-accent bg-accent-soft/80">
          <p className="flex items-center gap-2 text-lg font-medium text-accent">
            <FileDown size={22} aria-hidden />
            {t("importing.drop")}
          </p>
        </div>
      )}
      <RefusedFiles />
    </div>
  );
}

function RefusedFiles() {
  const { t } = useTranslation("workflows");
  const refused = useRefused((state) => state.refused);
  return (
    <Dialog
      open={refused.length > 0}
      onClose={() => useRefused.setState({ refused: [] })}
      title={t("importing.title")}
      wide
    >
      {refused.map(({ file, error }) => (
        <section key={file} className="flex flex-col gap-2">
          <h3 className="font-medium">{t("importing.refused", { file })}</h3>
          <Failure error={error} />
        </section>
      ))}
    </Dialog>
  );
}
