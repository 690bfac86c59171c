// This tab's token. It stays out of the address, of the history and of other tabs.
const KEY = "tradeloom.token";
const heard = new Set<() => void>();

/** Takes the token out of the address (`#token=…`), as `tradeloom up` prints it. */
export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", `${location.pathname}#/`);
    keepToken(given);
  }
}

export const token = (): string => sessionStorage.getItem(KEY) ?? "";

export function keepToken(given: string): void {
  sessionStorage.setItem(KEY, given);
  for (const hear of heard) hear();
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  for (const hear of heard) hear();
}

/** For `useSyncExternalStore`. */
export function onToken(hear: () => void): () => void {
  heard.add(hear);
  return () => heard.delete(hear);
}
