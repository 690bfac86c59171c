import { Menu } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useRoute } from "wouter";
import { runEvents } from "@/live/run-events";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Bell } from "./Bell";
import { Preferences } from "./Preferences";
import { Standing } from "./Standing";
import { SCREENS } from "./screens";

/** What stands around every screen: navigation, how the system stands, preferences. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation("app");
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const full = SCREENS.some(({ full, path }) => full && isAt(path, location));

  useEffect(() => {
    runEvents.open();
    return () => runEvents.close();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another screen closes the menu and takes the focus
  useEffect(() => {
    setOpen(false);
    main.current?.focus({ preventScroll: true });
  }, [location]);

  return (
    <div className="grid h-full grid-cols-[auto_1fr] grid-rows-[auto_1fr]">
      <button
        type="button"
        onClick={() => main.current?.focus()}
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-raised focus:p-3"
      >
        {t("skip")}
      </button>
      <header className="col-span-2 flex h-13 items-center gap-3 border-b border-line bg-surface px-3">
        <IconButton label={t("nav.menu")} className="md:hidden" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Menu size={18} aria-hidden />
        </IconButton>
        <Link href="/" className="flex shrink-0 items-center gap-2 font-semibold">
          <img src="/static/icon.svg" alt="" width="24" height="24" />
          <span className="max-sm:sr-only">{t("brand")}</span>
        </Link>
        <Standing />
        <Bell />
        <Preferences />
      </header>
      <nav
        aria-label={t("nav.label")}
        className={cx(
          "z-30 overflow-y-auto border-r border-line bg-surface p-2 max-md:absolute max-md:top-13 max-md:bottom-0 max-md:shadow-raised",
          full ? "max-md:w-48" : "w-48",
          !open && "max-md:hidden",
        )}
      >
        <ul className="flex flex-col gap-0.5">
          {SCREENS.map(
            ({ path, nav }) =>
              nav && (
                <Entry
                  key={path}
                  path={path}
                  word={t(`nav.${nav.word}`)}
                  icon={<nav.icon size={17} aria-hidden className="shrink-0" />}
                  narrow={full}
                />
              ),
          )}
        </ul>
      </nav>
      <main
        id="main"
        ref={main}
        tabIndex={-1}
        className={cx("min-h-0 min-w-0 outline-none max-md:col-span-2", full ? "overflow-hidden" : "overflow-y-auto")}
      >
        {children}
      </main>
    </div>
  );
}

const isAt = (path: string, location: string): boolean =>
  new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`).test(location);

/** `narrow`: where a graph needs the room, the icon alone stands for the screen. */
function Entry(props: { path: string; word: string; icon: ReactNode; narrow: boolean }) {
  const { path, word, icon, narrow } = props;
  const [exact] = useRoute(path);
  const [within] = useRoute(path === "/" ? "/" : `${path}/*?`);
  const here = exact || within;
  return (
    <li>
      <Link
        href={path}
        aria-current={here ? "page" : undefined}
        title={narrow ? word : undefined}
        className={cx(
          "flex items-center gap-2.5 rounded-md px-2.5 py-1.5",
          here ? "bg-accent-soft font-medium text-accent" : "text-ink hover:bg-sunken",
        )}
      >
        {icon}
        <span className={cx(narrow && "md:sr-only")}>{word}</span>
      </Link>
    </li>
  );
}
