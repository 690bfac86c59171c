import { createContext } from "react";

/** What a canvas lets its parts do. A read-only canvas gives none of the actions. */
export type CanvasActions = {
  /** Choose what follows this output. */
  addAfter?: ((node: string, port: string) => void) | undefined;
  /** Choose what stands in this connection. */
  addInto?: ((connection: string) => void) | undefined;
  removeConnection?: ((connection: string) => void) | undefined;
  changeNote?: ((id: string, change: { text?: string; width?: number; height?: number }) => void) | undefined;
  renameGroup?: ((id: string, name: string) => void) | undefined;
};

export const ActionsContext = createContext<CanvasActions>({});
/** Far away, nodes are drawn plain: a picture and a name. */
export const PlainContext = createContext(false);
/** The connection under the pointer. */
export const HoveredContext = createContext<string | null>(null);
/** The note or group whose words are being written. */
export const EditingContext = createContext<string | null>(null);
