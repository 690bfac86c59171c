import { ChevronDown, PanelLeftClose, Search, X } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { iconOf } from "../canvas/icons";
import { addFromPalette } from "../store/actions";
import { useEditor } from "../store/store";
import type { NodeType } from "../store/types";
import { closePalette, useUi } from "../store/ui";
import { About } from "./About";
import { Entry } from "./Entry";
import { sections } from "./search";

/** All node types: search, drag onto the canvas, or press Enter. */
export function Palette({ types }: { types: ReadonlyMap<string, NodeType> }) {
  const { t } = useTranslation("editor");
  const place = useUi((state) => state.place);
  const [search, setSearch] = useState("");
  const [shut, setShut] = useState<ReadonlySet<string>>(new Set());
  const [about, setAbout] = useState<NodeType | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const words = useDeferredValue(search);
  const found = useMemo(() => sections(types.values(), words, place !== null), [types, words, place]);

  // Asked for a node: the search has the focus at once.
  const asked = useUi((state) => state.asked);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each asking focuses anew
  useEffect(() => {
    if (asked > 0) field.current?.focus();
  }, [asked, place]);

  const add = (type: NodeType) => {
    addFromPalette(type, types, place);
    setSearch("");
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") return closeOrClear();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const entries = [...(list.current?.querySelectorAll<HTMLElement>("[data-entry]") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) field.current?.focus();
    else entries[Math.min(next, entries.length - 1)]?.focus();
  };
  const closeOrClear = () => {
    if (search) setSearch("");
    else {
      useUi.setState({ place: null });
      const chosen = document.querySelector<HTMLElement>(".react-flow__node.selected");
      if (chosen) chosen.focus();
      else field.current?.blur();
    }
  };

  return (
    <aside aria-label={t("palette.label")} className="palette" onKeyDown={keys}>
      <header className="flex items-center gap-1 px-3 pt-2.5 pb-1">
        <h2 className="min-w-0 flex-1 truncate">{place ? <After /> : t("palette.title")}</h2>
        <IconButton small label={t("palette.close")} onClick={closePalette}>
          <PanelLeftClose size={16} aria-hidden />
        </IconButton>
      </header>
      <div className="relative mx-3 my-1.5">
        <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-soft" />
        <input
          ref={field}
          type="search"
          aria-label={t("palette.search")}
          placeholder={t("palette.search")}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          onKeyDown={(event) => {
            // With Ctrl it runs the workflow; with no words it would add whatever comes first.
            if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !search.trim()) return;
            // What is shown may lag behind fast fingers; what is added may not.
            const first = sections(types.values(), search, place !== null)[0]?.types[0];
            if (first) add(first);
          }}
          className="h-8 w-full rounded-md border border-line-strong bg-surface pr-2 pl-8"
        />
      </div>
      <div ref={list} className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        {found.map(({ category, types }) => {
          const open = words !== "" || !shut.has(category);
          return (
            <section key={category} aria-label={t(`category.${category}`)} data-category={category}>
              <button
                type="button"
                aria-expanded={open}
                onClick={() => setShut(toggled(shut, category))}
                className="palette-category"
              >
                <span className="palette-dot" aria-hidden />
                {t(`category.${category}`)}
                <span className="text-soft">{types.length}</span>
                <ChevronDown size={14} aria-hidden className={cx("ml-auto", !open && "-rotate-90")} />
              </button>
              {open &&
                types.map((type) => (
                  <Entry key={type.type} type={type} icon={iconOf(type.icon)} onAdd={add} onAbout={setAbout} />
                ))}
            </section>
          );
        })}
        {found.length === 0 && <p className="p-3 text-soft">{t("palette.nothing", { words })}</p>}
      </div>
      {about && <About type={about} />}
    </aside>
  );
}

/** What the node that is chosen now follows. */
function After() {
  const { t } = useTranslation("editor");
  const place = useUi((state) => state.place);
  const name = useEditor((state) => {
    const node = state.document.nodes.find((each) => each.id === place?.after?.node);
    return node?.name || node?.id;
  });
  return (
    <span className="flex items-center gap-1">
      <span className="truncate">{name ? t("palette.after", { node: name }) : t("palette.between")}</span>
      <IconButton small label={t("palette.anywhere")} onClick={() => useUi.setState({ place: null })}>
        <X size={14} aria-hidden />
      </IconButton>
    </span>
  );
}

function toggled(set: ReadonlySet<string>, each: string): Set<string> {
  const now = new Set(set);
  if (!now.delete(each)) now.add(each);
  return now;
}
