import { useEffect, useState } from "react";

/** The time by this computer's clock, every so often while something runs. */
export function useNow(running: boolean, every_ms: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [running, every_ms]);
  return now;
}
