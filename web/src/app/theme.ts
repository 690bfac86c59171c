// Light, dark, or what the system says.
export type Theme = "light" | "dark" | "system";
const KEY = "tradeloom.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const heard = new Set<() => void>();

export const theme = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? "system";
/** What is shown now. */
export const shownTheme = (): "light" | "dark" => {
  const chosen = theme();
  return chosen === "system" ? (system.matches ? "dark" : "light") : chosen;
};

function show(): void {
  document.documentElement.dataset.theme = shownTheme();
  for (const hear of heard) hear();
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  show();
}

/** For `useSyncExternalStore`: charts draw themselves anew when colours change. */
export function onTheme(hear: () => void): () => void {
  heard.add(hear);
  return () => heard.delete(hear);
}

system.addEventListener("change", show);
show();
