import { useEffect, useState } from "react";

const LOOK_MS = 250;

/** A ring around what the tour speaks of, wherever it moves to. It takes no clicks. */
export function Spotlight({ selector }: { selector: string }) {
  const [box, setBox] = useState<{ left: number; top: number; width: number; height: number } | null>(null);
  useEffect(() => {
    const look = () => {
      const found = document.querySelector(selector)?.getBoundingClientRect();
      setBox((before) => {
        if (!found || found.width === 0) return null;
        const { left, top, width, height } = found;
        const same = before?.left === left && before.top === top && before.width === width && before.height === height;
        return same ? before : { left, top, width, height };
      });
    };
    look();
    const looking = setInterval(look, LOOK_MS);
    return () => clearInterval(looking);
  }, [selector]);
  if (box === null) return null;
  return (
    <div
      aria-hidden
      className="pointer-events-none fixed z-20 rounded-lg ring-3 ring-accent ring-inset transition-all"
      style={box}
    />
  );
}
