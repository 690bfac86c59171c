// Run events over a WebSocket that speaks AppSync Events' protocol, so that the cloud needs no other client.
import { token } from "@/api/token";

export type RunMessage = {
  type: string;
  execution_id: string;
  workflow_id: string;
  seq: number;
  time: string;
} & Record<string, unknown>;

export type Subscriber = {
  channel: string;
  /** The last number that is known; null without one. */
  seq(): number | null;
  /** The subscription stands: read by REST what was missed. */
  ready(): void;
  hear(message: RunMessage): void;
};

const SUBPROTOCOL = "aws-appsync-event-ws";
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

const address = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/event/realtime`;
const authorization = () => ({ host: location.host, Authorization: `Bearer ${token()}` });
const base64url = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

type Frame = { type: string; id?: string; event?: string | string[]; connectionTimeoutMs?: number };

/** One connection, opened again whenever it is lost. */
export class RunEvents {
  #subscribers = new Map<string, Subscriber>();
  #socket: WebSocket | null = null;
  #live = false;
  #tries = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #patience_ms = 300_000;
  #ids = 0;
  #wanted = false;
  #heard = new Set<() => void>();

  constructor() {
    addEventListener("online", () => this.#wanted && !this.#socket && this.#connect());
    addEventListener("offline", () => this.#socket?.close());
  }

  /** Whether messages come. */
  get live(): boolean {
    return this.#live;
  }

  /** For `useSyncExternalStore`. */
  onChange = (hear: () => void): (() => void) => {
    this.#heard.add(hear);
    return () => this.#heard.delete(hear);
  };

  open(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  close(): void {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  /** Hear a channel until the function that is returned is called. */
  subscribe(subscriber: Subscriber): () => void {
    const id = `s${++this.#ids}`;
    this.#subscribers.set(id, subscriber);
    if (this.#live) this.#ask(id, subscriber);
    return () => {
      this.#subscribers.delete(id);
      if (this.#live) this.#say({ type: "unsubscribe", id });
    };
  }

  #connect(): void {
    clearTimeout(this.#retry);
    let socket: WebSocket;
    try {
      socket = new WebSocket(address(), [SUBPROTOCOL, `header-${base64url(JSON.stringify(authorization()))}`]);
    } catch {
      this.#later();
      return;
    }
    this.#socket = socket;
    socket.addEventListener("open", () => this.#say({ type: "connection_init" }));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#lost());
  }

  #hear(frame: Frame): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#socket?.close(), this.#patience_ms);
    if (frame.type === "connection_ack") {
      this.#patience_ms = frame.connectionTimeoutMs ?? this.#patience_ms;
      this.#tries = 0;
      this.#tell(true);
      for (const [id, subscriber] of this.#subscribers) this.#ask(id, subscriber);
    } else if (frame.type === "subscribe_success") {
      this.#subscribers.get(frame.id ?? "")?.ready();
    } else if (frame.type === "data") {
      const subscriber = this.#subscribers.get(frame.id ?? "");
      for (const text of [frame.event ?? []].flat()) subscriber?.hear(JSON.parse(text));
    }
  }

  #ask(id: string, subscriber: Subscriber): void {
    const after = subscriber.seq();
    this.#say({
      type: "subscribe",
      id,
      channel: subscriber.channel,
      authorization: authorization(),
      ...(after === null ? {} : { after }),
    });
  }

  #say(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #lost(): void {
    clearTimeout(this.#watchdog);
    this.#socket = null;
    this.#tell(false);
    if (this.#wanted) this.#later();
  }

  #later(): void {
    const pause = PAUSES_MS[Math.min(this.#tries++, PAUSES_MS.length - 1)] ?? 15_000;
    this.#retry = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2));
  }

  #tell(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    for (const hear of this.#heard) hear();
  }
}

export const runEvents = new RunEvents();
export const TENANT = "local";
export const runChannel = (execution: string) => `/runs/${TENANT}/${execution}`;
export const allRunsChannel = `/runs/${TENANT}/*`;
