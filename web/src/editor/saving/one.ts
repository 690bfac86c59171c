// The editor's saver, and what it tells the other tabs.
import { Saver } from "./saver";

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("tradeloom.editor");
export const saver = new Saver(undefined, channel);
channel?.addEventListener("message", (event: MessageEvent<unknown>) => {
  if (typeof event.data === "string") void saver.heard(event.data).catch(() => undefined);
});
