// What opens over the page is fetched when it is first asked for, or before, when the pointer or the focus comes near.
import { useState } from "react";
import { toast } from "./toast";

/**
 * Whether what `load` fetches was asked for and is there; and what its button has until then.
 * A code that cannot be fetched costs a word, not the page.
 */
export function useLater(load: () => Promise<unknown>, kind: "menu" | "dialog") {
  const [there, setThere] = useState(false);
  const ahead = () => void load().catch(() => {}); // told when it is pressed
  const button = {
    onClick: () => void load().then(() => setThere(true), toast.failed),
    onPointerEnter: ahead,
    onFocus: ahead,
    "aria-haspopup": kind,
    "aria-expanded": false,
  };
  return { there, button };
}
