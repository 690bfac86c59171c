import { useTranslation } from "react-i18next";
import { Dialog } from "@/ui/Dialog";
import { type Command, NATIVE } from "../commands";
import { keyNames } from "../keys-text";

const AREAS: Command["area"][] = ["file", "edit", "arrange", "add", "view", "go"];

/** Every key of the editor; made from the same list that the keys work by. */
export function Shortcuts({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }) {
  const { t } = useTranslation("editor");
  const all = [...commands, ...NATIVE];
  return (
    <Dialog open wide onClose={onClose} title={t("commands.shortcuts")}>
      <div className="gap-8 sm:columns-2">
        {AREAS.map((area) => (
          <section key={area} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 font-semibold">{t(`areas.${area}`)}</h3>
            <dl>
              {all
                .filter((command) => command.area === area && command.keys)
                .map((command) => (
                  <div key={command.id} className="flex items-center justify-between gap-4 py-0.5">
                    <dt>{t(`commands.${command.id}`)}</dt>
                    <dd className="flex gap-1">
                      {keyNames(command.keys?.[0] ?? "").map((name) => (
                        <kbd key={name}>{name}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
