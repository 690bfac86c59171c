// Run events over a WebSocket that speaks AppSync Events' protocol, so that the cloud needs no other client.

import { token } from "./api.js";

const SUBPROTOCOL = "aws-appsync-event-ws";
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

export const address = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/event/realtime`;
const authorization = () => ({ host: location.host, Authorization: `Bearer ${token()}` });
const base64url = (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/**
 * One connection, opened again whenever it is lost. `changed(live)` hears whether messages come.
 *
 * A subscriber is `{ channel, seq(), ready(), hear(message) }`: `seq` is the last number it knows (null without one),
 * `ready` is called each time its subscription stands: what is on the page is then read once more by REST.
 */
export class RunEvents {
  #subscribers = new Map();
  #socket = null;
  #changed;
  #live = false;
  #tries = 0;
  #retry = 0;
  #watchdog = 0;
  #patience_ms = 300_000;
  #ids = 0;
  #wanted = false;

  constructor(changed) {
    this.#changed = changed;
    addEventListener("online", () => this.#wanted && !this.#socket && this.#connect());
    addEventListener("offline", () => this.#socket?.close());
  }

  get live() {
    return this.#live;
  }

  open() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  close() {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  /** Hear a channel until the function that is returned is called. */
  subscribe(subscriber) {
    const id = `s${++this.#ids}`;
    this.#subscribers.set(id, subscriber);
    if (this.#live) this.#ask(id, subscriber);
    return () => {
      this.#subscribers.delete(id);
      if (this.#live) this.#say({ type: "unsubscribe", id });
    };
  }

  #connect() {
    clearTimeout(this.#retry);
    let socket;
    try {
      socket = new WebSocket(address(), [SUBPROTOCOL, `header-${base64url(JSON.stringify(authorization()))}`]);
    } catch {
      this.#later();
      return;
    }
    this.#socket = socket;
    socket.addEventListener("open", () => this.#say({ type: "connection_init" }));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#heard(JSON.parse(event.data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#lost());
  }

  #heard(frame) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#socket?.close(), this.#patience_ms);
    if (frame.type === "connection_ack") {
      this.#patience_ms = frame.connectionTimeoutMs;
      this.#tries = 0;
      this.#tell(true);
      for (const [id, subscriber] of this.#subscribers) this.#ask(id, subscriber);
    } else if (frame.type === "subscribe_success") {
      this.#subscribers.get(frame.id)?.ready();
    } else if (frame.type === "data") {
      const subscriber = this.#subscribers.get(frame.id);
      for (const text of [frame.event].flat()) subscriber?.hear(JSON.parse(text));
    }
  }

  #ask(id, subscriber) {
    const after = subscriber.seq();
    this.#say({ type: "subscribe", id, channel: subscriber.channel, authorization: authorization(), ...(after === null ? {} : { after }) });
  }

  #say(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #lost() {
    clearTimeout(this.#watchdog);
    this.#socket = null;
    this.#tell(false);
    if (this.#wanted) this.#later();
  }

  #later() {
    const pause = PAUSES_MS[Math.min(this.#tries++, PAUSES_MS.length - 1)];
    this.#retry = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2));
  }

  #tell(live) {
    if (live === this.#live) return;
    this.#live = live;
    this.#changed(live);
  }
}
