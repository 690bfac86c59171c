// Chords as people read them: `Ctrl+S`, or `⌘S` on a Mac.
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const NAMES: Record<string, string> = {
  Mod: MAC ? "⌘" : "Ctrl",
  Alt: MAC ? "⌥" : "Alt",
  Shift: MAC ? "⇧" : "Shift",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowKeys: "← ↑ ↓ →",
  Escape: "Esc",
};

export const keyNames = (chord: string): string[] =>
  (chord === "+" ? ["+"] : chord.split("+")).map((part) => NAMES[part] ?? part);

export const keysText = (chord: string | undefined): string => (chord ? keyNames(chord).join(MAC ? "" : "+") : "");
