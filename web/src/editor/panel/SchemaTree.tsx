import { Binary, Braces, ChevronRight, CircleSlash, Hash, List, Type } from "lucide-react";
import { type DragEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { carry } from "@/forms/insert";
import { useTarget } from "@/forms/surroundings";
import { cx } from "@/ui/cx";
import { toast } from "@/ui/toast";
import { type Branch, shown } from "./data";
import { showPane } from "./Panes";

const ICONS = {
  text: Type,
  number: Hash,
  boolean: Binary,
  null: CircleSlash,
  list: List,
  object: Braces,
  unknown: Type,
};

/** Fields of a value. Each can be dragged into a setting, or put by Enter into the one that had the focus last. */
export function SchemaTree({
  branches,
  mapped,
}: {
  branches: Branch[];
  /** Whether its values can be put into settings. */
  mapped: boolean;
}) {
  return (
    <ul className="flex flex-col gap-0.5">
      {branches.map((branch) => (
        <Row key={branch.source} branch={branch} mapped={mapped} />
      ))}
    </ul>
  );
}

function Row({ branch, mapped }: { branch: Branch; mapped: boolean }) {
  const { t } = useTranslation("panel");
  const [opened, setOpened] = useState(false);
  const deeper = branch.children.length > 0;
  return (
    <li>
      <div className="flex min-w-0 items-center gap-1">
        {deeper ? (
          <button
            type="button"
            aria-expanded={opened}
            aria-label={t(opened ? "tree.close" : "tree.open", { key: branch.key })}
            onClick={() => setOpened(!opened)}
            className="grid size-5 shrink-0 place-items-center rounded text-soft hover:bg-sunken"
          >
            <ChevronRight size={14} aria-hidden className={cx("transition-transform", opened && "rotate-90")} />
          </button>
        ) : (
          <span className="size-5 shrink-0" />
        )}
        <Chip branch={branch} mapped={mapped} />
        <span className="min-w-0 flex-1 truncate text-xs text-soft" title={branch.help}>
          {branch.value === undefined
            ? branch.help
            : branch.kind === "list"
              ? t("tree.items", { count: branch.length })
              : branch.kind === "object"
                ? ""
                : shown(branch.value)}
        </span>
      </div>
      {deeper && opened && (
        <div className="ml-2.5 border-l border-line pl-1.5">
          <SchemaTree branches={branch.children} mapped={mapped} />
        </div>
      )}
    </li>
  );
}

function Chip({ branch, mapped }: { branch: Branch; mapped: boolean }) {
  const { t } = useTranslation("panel");
  const target = useTarget((state) => state.target);
  const Icon = ICONS[branch.kind];
  const looks = "flex shrink-0 items-center gap-1.5 rounded-md border border-line bg-surface px-1.5 py-0.5 text-[13px]";
  const inside = (
    <>
      <Icon size={12} aria-hidden className="text-soft" />
      {branch.key}
    </>
  );
  if (!mapped) return <span className={looks}>{inside}</span>;
  const reference = { source: branch.source, label: branch.key, value: branch.value };
  const drag = (event: DragEvent) => {
    carry(event.dataTransfer, reference);
    event.dataTransfer.effectAllowed = "copy";
  };
  return (
    <button
      type="button"
      draggable
      onDragStart={drag}
      data-reference
      onClick={() => {
        if (!target) return toast.failed(new Error(t("tree.noTarget")));
        target.insert(reference);
        showPane("form");
        requestAnimationFrame(() => target.element.focus()); // on a phone its pane has to be there first
      }}
      title={branch.source}
      aria-label={t(target ? "tree.insertInto" : "tree.insert", { source: branch.source, field: target?.title })}
      className={cx(looks, "cursor-grab hover:border-accent hover:text-accent active:cursor-grabbing")}
    >
      {inside}
    </button>
  );
}
