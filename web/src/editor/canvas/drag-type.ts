/** What the palette puts into a drag. */
export const DRAGGED = "application/x-tradeloom-node";
