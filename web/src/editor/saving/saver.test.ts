import { ApiError } from "@/api/client";
import { edit, undo, useEditor } from "../store/store";
import type { WorkflowDocument } from "../store/types";
import type { DraftKept, Saved, SavingApi } from "./api";
import { LocalCopies } from "./local-copy";
import { Saver } from "./saver";
import { useSaving } from "./state";

const named = (name: string): WorkflowDocument => ({ name, nodes: [], connections: [], settings: {} });

/** A server with one workflow, that says no as the real one does. */
class Server implements SavingApi {
  version = "v1";
  document: WorkflowDocument = named("first");
  kept: DraftKept | null = null;
  gone = false;
  writes = 0;

  #saved(): Saved {
    return {
      id: "w",
      name: this.document.name,
      version: this.version,
      document: this.document,
      active: false,
    } as never;
  }
  #answer<T>(make: () => T): Promise<T> {
    if (this.gone) return Promise.reject(new ApiError(0, { name: "Unreachable", message: "no answer" }));
    try {
      return Promise.resolve(make());
    } catch (error) {
      return Promise.reject(error);
    }
  }
  #refuse(): never {
    throw new ApiError(409, { name: "Conflict", message: "someone else" });
  }
  workflow = () => this.#answer(() => this.#saved());
  draft = () => this.#answer(() => this.kept);
  keep = (_id: string, document: WorkflowDocument, base: string, over: string | null) =>
    this.#answer(() => {
      if (over !== "*" && over !== (this.kept?.revision ?? null)) this.#refuse();
      this.kept = {
        document,
        base_version: base,
        revision: `r${++this.writes}`,
        saved_by: "me",
        saved_at: "",
      } as never;
      return this.kept as DraftKept;
    });
  discard = () =>
    this.#answer(() => {
      this.kept = null;
    });
  create = (document: WorkflowDocument) => this.replace("w", document, this.version);
  replace = (_id: string, document: WorkflowDocument, base: string) =>
    this.#answer(() => {
      if (base !== this.version) this.#refuse();
      this.version = `v${++this.writes + 1}`;
      this.document = document;
      return this.#saved();
    });
}

const rename = (name: string) => edit((document) => ({ ...document, name }));
const draft = () => server.kept?.document as WorkflowDocument | undefined;
const state = () => useSaving.getState().state;
const settle = () => vi.advanceTimersByTimeAsync(5_000);
let server: Server;
let saver: Saver;
/** The tabs that are open besides. */
let open: Set<string>;
const copiesOf = (tab: string) => new LocalCopies(tab, async (other) => !open.has(other));
const copies = copiesOf("one");
const tab = (copies: LocalCopies) => new Saver(server, null, copies);

beforeEach(async () => {
  vi.useFakeTimers();
  localStorage.clear();
  open = new Set();
  server = new Server();
  saver = tab(copies);
  await saver.open("w");
});
afterEach(() => {
  saver.close();
  vi.useRealTimers();
});

test("a change is in the browser at once, a draft soon, a version when saved", async () => {
  rename("mine");
  expect(copies.read("w")?.document.name).toBe("mine");
  await settle();
  expect(state()).toBe("draft");
  expect(server.kept?.document.name).toBe("mine");
  expect(copies.read("w")).toBeNull();
  expect(server.document.name).toBe("first");
  await saver.save();
  expect(state()).toBe("saved");
  expect(server.document.name).toBe("mine");
  expect(server.kept).toBeNull();
});

test("undoing all changes is as saved, and leaves no draft behind", async () => {
  rename("mine");
  await settle();
  undo();
  await settle();
  expect(state()).toBe("saved");
  expect(server.kept).toBeNull();
});

test("a server that is gone costs nothing: the draft goes out once it is back", async () => {
  server.gone = true;
  rename("mine");
  await settle();
  expect(state()).toBe("offline");
  expect(copies.read("w")?.document.name).toBe("mine");
  expect(await saver.save()).toBeNull();
  server.gone = false;
  await settle();
  expect(state()).toBe("draft");
  expect(server.kept?.document.name).toBe("mine");
});

test("a closed tab goes on where it was", async () => {
  server.gone = true;
  rename("mine");
  saver.close();
  await settle();
  server.gone = false;
  const again = tab(copiesOf("another"));
  await again.open("w");
  expect(useEditor.getState().document.name).toBe("mine");
  await settle();
  expect(server.kept?.document.name).toBe("mine");
  again.close();
});

test("a draft of another tab is never overwritten unasked", async () => {
  server.kept = { document: named("theirs"), base_version: "v1", revision: "other" } as never;
  rename("mine");
  await settle();
  expect(state()).toBe("conflict");
  expect(draft()).toEqual(named("theirs"));
  rename("mine still");
  await settle();
  expect(draft()).toEqual(named("theirs"));
  await saver.keepMine();
  expect(draft()?.name).toBe("mine still");
  expect(state()).toBe("draft");
});

test("a version of someone else is never overwritten unasked, and taking it keeps mine one undo away", async () => {
  rename("mine");
  await settle();
  server.version = "v9";
  server.document = named("theirs");
  expect(await saver.save()).toBeNull();
  expect(state()).toBe("conflict");
  expect(useSaving.getState().conflict?.kind).toBe("version");
  saver.takeTheirs();
  expect(useEditor.getState().document.name).toBe("theirs");
  undo();
  expect(useEditor.getState().document.name).toBe("mine");
  await settle();
  await saver.save();
  expect(server.document.name).toBe("mine");
});

test("a version that is taken over a draft of mine takes the draft's place at the server too", async () => {
  rename("mine");
  await settle();
  server.version = "v9";
  server.document = named("theirs");
  await saver.save();
  saver.takeTheirs();
  await settle();
  expect(server.kept).toBeNull();
  expect(state()).toBe("saved");
  await saver.open("w");
  expect(useEditor.getState().document.name).toBe("theirs");
  expect(state()).toBe("saved");
});

test("a tab without changes follows the other, one with changes shows both", async () => {
  server.version = "v9";
  server.document = named("theirs");
  await saver.heard("w");
  expect(useEditor.getState().document.name).toBe("theirs");
  rename("mine");
  server.version = "v10";
  await saver.heard("w");
  expect(state()).toBe("conflict");
});

test("a workflow that was never saved is kept in this browser until it is", async () => {
  await saver.openNew(named("New"));
  rename("fresh");
  expect(state()).toBe("local");
  saver.close();
  await saver.openNew(named("New"));
  expect(useEditor.getState().document.name).toBe("fresh");
  const saved = await saver.save();
  expect(saved?.id).toBe("w");
  expect(state()).toBe("saved");
  expect(copies.read(null)).toBeNull();
});

test("two tabs that cannot reach the server keep their work apart, and closed ones leave theirs to be chosen from", async () => {
  server.gone = true;
  rename("first tab's");
  saver.close();
  await settle();

  open.add("one");
  server.gone = false;
  const second = tab(copiesOf("two"));
  await second.open("w");
  expect(useEditor.getState().document.name).toBe("first"); // what an open tab keeps is not taken from it
  server.gone = true;
  rename("second tab's");
  second.close();
  await settle();
  expect(copies.read("w")?.document.name).toBe("first tab's");

  // Both tabs are closed now. The newer comes first.
  open.clear();
  server.gone = false;
  const third = tab(copiesOf("three"));
  await third.open("w");
  expect(useEditor.getState().document.name).toBe("second tab's");
  await settle();
  expect(draft()?.name).toBe("second tab's");
  third.close();

  // The older comes next, and does not go over it unasked.
  const fourth = tab(copiesOf("four"));
  await fourth.open("w");
  expect(useEditor.getState().document.name).toBe("first tab's");
  expect(state()).toBe("conflict");
  expect(draft()?.name).toBe("second tab's");
  fourth.takeTheirs();
  undo();
  expect(useEditor.getState().document.name).toBe("first tab's");
  await settle();
  fourth.close();
  expect(draft()?.name).toBe("first tab's");
  expect(Object.keys(localStorage)).toEqual([]);
});

test("what another tab keeps or drops leaves mine alone while I am to choose", async () => {
  rename("mine");
  server.kept = { document: named("theirs"), base_version: "v1", revision: "other" } as never;
  await settle();
  expect(state()).toBe("conflict");
  copiesOf("two").drop("w");
  expect(copies.read("w")?.document.name).toBe("mine");
});

test("what I choose from is what they have now, not what they had when I was told", async () => {
  rename("mine");
  server.kept = { document: named("theirs"), base_version: "v1", revision: "other" } as never;
  await settle();
  expect(useSaving.getState().conflict).toMatchObject({ kind: "draft", document: { name: "theirs" } });
  server.version = "v9";
  server.document = named("theirs, saved");
  server.kept = null;
  await saver.heard("w");
  expect(useSaving.getState().conflict).toMatchObject({ kind: "version", document: { name: "theirs, saved" } });
  saver.takeTheirs();
  undo();
  await settle();
  expect(state()).toBe("draft");
  expect(draft()?.name).toBe("mine");
  await saver.save();
  expect(server.document.name).toBe("mine");
});

test("a draft they take back leaves nothing to choose", async () => {
  rename("mine");
  server.kept = { document: named("theirs"), base_version: "v1", revision: "other" } as never;
  await settle();
  server.kept = null;
  await saver.heard("w");
  await settle();
  expect(state()).toBe("draft");
  expect(draft()?.name).toBe("mine");
});

test("a draft of my own is not shown as theirs when they save a version", async () => {
  rename("mine");
  await settle();
  rename("mine, further");
  server.version = "v9";
  server.document = named("theirs");
  await saver.heard("w");
  expect(useSaving.getState().conflict).toMatchObject({ kind: "version", document: { name: "theirs" } });
});

test("a new workflow drawn in one tab is not taken over by a second that begins one", async () => {
  await saver.openNew(named("New"));
  rename("fresh");
  saver.close();
  open.add("one");
  const second = tab(copiesOf("two"));
  await second.openNew(named("New"));
  expect(useEditor.getState().document.name).toBe("New");
  second.close();
  open.clear();
  await second.openNew(named("New"));
  expect(useEditor.getState().document.name).toBe("fresh");
  second.close();
});

test("of two that are opened at once the last is open, and leaving opens none", async () => {
  const slow = saver.open("w");
  await saver.openNew(named("New"));
  await slow;
  expect(saver.id).toBeNull();
  const left = saver.open("w");
  saver.close();
  await left;
  expect(saver.id).toBeNull();
});
