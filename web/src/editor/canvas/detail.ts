// How much of a node is drawn, by how near it is.
import type { Viewport } from "@xyflow/react";
import { useCallback, useState } from "react";

/** Below this zoom nodes are drawn plain: a picture and a name. */
const PLAIN_BELOW = 0.5;
/** Below this zoom they are tiles without words. */
const FAR_BELOW = 0.3;

export function useDetail() {
  const [plain, setPlain] = useState(false);
  const [far, setFar] = useState(false);
  const noteZoom = useCallback(({ zoom }: Viewport) => {
    setPlain(zoom < PLAIN_BELOW);
    setFar(zoom < FAR_BELOW);
  }, []);
  return { plain, far, noteZoom };
}
