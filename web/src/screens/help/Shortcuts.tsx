import { useTranslation } from "react-i18next";
import { type Command, commandsOf, NATIVE } from "@/editor/commands";
import { keyNames } from "@/editor/keys-text";

const AREAS: Command["area"][] = ["file", "edit", "arrange", "add", "view", "go"];
const nothing = () => {};
/** Only the words and keys are shown here: nothing is done. */
const COMMANDS = [
  ...commandsOf({
    save: nothing,
    run: nothing,
    test: nothing,
    debug: nothing,
    toggleActive: nothing,
    exportFile: nothing,
    types: new Map(),
  }),
  ...NATIVE,
].filter((command) => command.keys);

/** The editor's keys, from the list that the keys work by. */
export function Shortcuts() {
  const { t } = useTranslation("help");
  return (
    <>
      <p className="mb-4 text-soft">{t("shortcutsLead")}</p>
      <div className="grid gap-x-10 gap-y-5 md:grid-cols-2">
        {AREAS.filter((area) => COMMANDS.some((command) => command.area === area)).map((area) => (
          <section key={area}>
            <h2 className="mb-1.5">{t(`editor:areas.${area}`)}</h2>
            <dl className="flex flex-col gap-1">
              {COMMANDS.filter((command) => command.area === area).map((command) => (
                <div key={command.id} className="flex items-center justify-between gap-4">
                  <dt>{t(`editor:commands.${command.id}`)}</dt>
                  <dd className="flex gap-1">
                    {keyNames(command.keys?.[0] ?? "").map((name) => (
                      <kbd key={name} className="rounded border border-line-strong bg-sunken px-1.5 text-xs">
                        {name}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </>
  );
}
