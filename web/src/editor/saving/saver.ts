// Keeps what is drawn: at once in this browser, soon as a draft at the server, and as a version when it is saved.
// Nothing is ever overwritten unseen: every write says what it was drawn on.
import { ApiError } from "@/api/client";
import { edit, open, useEditor } from "../store/store";
import { asDocument, type WorkflowDocument } from "../store/types";
import { type DraftKept, type Saved, type SavingApi, savingApi } from "./api";
import { localCopies } from "./local-copy";
import { type Conflict, useSaving } from "./state";

const KEEP_AFTER_MS = 800;
const AGAIN_MS = 2_000;

const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;
const isUnreachable = (error: unknown): boolean =>
  error instanceof ApiError && [0, 502, 503, 504].includes(error.status);

export class Saver {
  #id: string | null = null;
  /** The document as it was saved, the object itself: undoing back to it is being saved. */
  #clean: WorkflowDocument | null = null;
  #base: string | null = null;
  #draft: string | null = null;
  /** The document the server has as its draft. */
  #kept: WorkflowDocument | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  #leave: (() => void) | undefined;
  /** Whoever opens last is the one that is open, however long each takes; closing ends what is opening. */
  #opening = 0;

  constructor(
    readonly api: SavingApi = savingApi,
    readonly others: Pick<BroadcastChannel, "postMessage"> | null = null,
    readonly copies = localCopies,
  ) {}

  get id(): string | null {
    return this.#id;
  }

  /** Opens a workflow with its draft, or goes on with what this browser kept of it. Raises what the server says. */
  async open(id: string): Promise<void> {
    const turn = ++this.#opening;
    await this.#busy; // what the workflow before still sends
    const [[saved, draft], copy] = await Promise.all([this.#read(id), this.copies.find(id)]);
    if (turn !== this.#opening) return;
    this.#adopt(saved, draft);
    if (copy === null) return;
    // The draft went out while the page was closing.
    const known = useEditor.getState().document;
    if (JSON.stringify(asDocument(copy.document)) === JSON.stringify(known)) {
      this.copies.drop(id);
      return;
    }
    if (copy.draft === this.#draft && copy.base === saved.version) edit(() => asDocument(copy.document));
    else {
      const theirs = useEditor.getState().document;
      edit(() => asDocument(copy.document));
      this.#clash(draft ? "draft" : "version", theirs, saved.version, this.#draft);
    }
  }

  /** Goes on with the workflow that is open already, its undo included; false where it is another. */
  resume(id: string): boolean {
    if (this.#id !== id || useEditor.getState().workflowId !== id) return false;
    this.close();
    this.#listen();
    void this.heard(id).catch(() => undefined);
    return true;
  }

  /** A workflow that was never saved; what this browser kept of one goes on. */
  async openNew(empty: WorkflowDocument): Promise<void> {
    const turn = ++this.#opening;
    const copy = await this.copies.find(null);
    if (turn !== this.#opening) return;
    this.#follow(null);
    this.#clean = empty;
    this.#base = this.#draft = this.#kept = null;
    open(null, empty);
    useSaving.setState({ state: "saved", saved: null, conflict: null, error: null });
    this.#listen();
    if (copy) edit(() => asDocument(copy.document));
  }

  /** Stops keeping; what waits is sent first. */
  close(): void {
    this.#opening++;
    this.#leave?.();
    this.#leave = undefined;
    if (this.#timer !== undefined) void this.#keep();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Saves as a version. The workflow it became, or null where it was not saved: the state says why. */
  async save(): Promise<Saved | null> {
    await this.#settled();
    const document = useEditor.getState().document;
    if (useSaving.getState().state === "conflict") return null;
    useSaving.setState({ state: "saving", error: null });
    try {
      const saved =
        this.#id === null
          ? await this.api.create(document)
          : await this.api.replace(this.#id, document, this.#base ?? "");
      await this.#afterSave(saved, document);
      return saved;
    } catch (error) {
      await this.#notSaved(error);
      return null;
    }
  }

  /** Goes on with mine: over their draft, or on top of their version, which stays among the versions. */
  async keepMine(): Promise<void> {
    const { conflict } = useSaving.getState();
    if (conflict === null) return;
    this.#base = conflict.version;
    this.#draft = conflict.draft;
    useSaving.setState({ conflict: null, state: "keeping" });
    await this.#keep();
  }

  /** Goes on with theirs. Mine is one step of undo away. */
  takeTheirs(): void {
    const { conflict } = useSaving.getState();
    if (conflict === null) return;
    this.#base = conflict.version;
    this.#draft = conflict.draft;
    if (conflict.kind === "draft") this.#kept = conflict.document;
    else {
      // A draft of mine that is still there goes once their version is on the screen.
      this.#kept = null;
      this.#clean = conflict.document;
    }
    useSaving.setState({ conflict: null, state: "keeping" });
    edit(() => conflict.document);
    this.copies.drop(this.#id);
  }

  /** Another workflow of what is on the screen. This one stays as it is. */
  copyMine(name: string): Promise<Saved> {
    return this.api.create({ ...useEditor.getState().document, name });
  }

  /** Another tab wrote. Without changes of its own this one follows; else both are shown, as they then are. */
  async heard(id: string): Promise<void> {
    if (id !== this.#id) return;
    const [saved, draft] = await this.#read(id);
    if (id !== this.#id) return;
    const { conflict } = useSaving.getState();
    const known = conflict ?? { version: this.#base, draft: this.#draft };
    if (saved.version === known.version && (draft?.revision ?? null) === known.draft) return;
    if (conflict !== null && saved.version === this.#base && draft === null) return this.#aloneAgain();
    const { document } = useEditor.getState();
    if (conflict === null && (document === this.#clean || document === this.#kept)) this.#adopt(saved, draft);
    else this.#clashWith(saved, draft);
  }

  /** They took their draft back: there is nothing to choose any more. */
  #aloneAgain(): Promise<void> {
    this.#draft = null;
    useSaving.setState({ conflict: null, state: "keeping" });
    return this.#keep();
  }

  /** Its state was switched elsewhere on this screen. */
  switched(saved: Saved): void {
    if (saved.id === this.#id) useSaving.setState({ saved });
  }

  #read(id: string): Promise<[Saved, DraftKept | null]> {
    return Promise.all([this.api.workflow(id), this.api.draft(id)]);
  }

  #follow(id: string | null): void {
    this.close();
    this.#id = id;
  }

  #adopt(saved: Saved, draft: DraftKept | null): void {
    this.#follow(saved.id);
    this.#clean = asDocument(saved.document);
    this.#base = draft?.base_version ?? saved.version;
    this.#draft = draft?.revision ?? null;
    this.#kept = draft ? asDocument(draft.document) : null;
    open(saved.id, this.#kept ?? this.#clean);
    useSaving.setState({ state: draft ? "draft" : "saved", saved, conflict: null, error: null });
    if (draft && draft.base_version !== saved.version)
      this.#clash("version", this.#clean, saved.version, draft.revision);
    this.#listen();
  }

  #listen(): void {
    let before = useEditor.getState().document;
    this.#leave = useEditor.subscribe(({ document }) => {
      if (document === before) return;
      before = document;
      this.#changed(document);
    });
  }

  #changed(document: WorkflowDocument): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { state } = useSaving.getState();
    if (document === this.#clean && this.#draft === null) {
      this.copies.drop(this.#id);
      if (state !== "conflict") useSaving.setState({ state: "saved", error: null });
      return;
    }
    if (document === this.#kept && state !== "conflict") {
      useSaving.setState({ state: "draft", error: null });
      return;
    }
    const safe = this.copies.write(this.#id, { document, base: this.#base, draft: this.#draft });
    if (state === "conflict") return;
    if (this.#id === null) {
      useSaving.setState({ state: safe ? "local" : "failed" });
      return;
    }
    if (state !== "saving") useSaving.setState({ state: state === "offline" ? "offline" : "keeping" });
    this.#soon(KEEP_AFTER_MS);
  }

  #soon(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#leave) return;
    this.#timer = setTimeout(() => void this.#keep(), ms);
  }

  /** One writing at a time: the next one says what the one before made. */
  #keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const turn = this.#busy.then(() => this.#keepNow());
    this.#busy = turn;
    return turn;
  }

  async #keepNow(): Promise<void> {
    const id = this.#id;
    const { document } = useEditor.getState();
    if (id === null || document === this.#kept || useSaving.getState().state === "conflict") return;
    try {
      if (document === this.#clean) {
        await this.api.discard(id);
        this.#draft = this.#kept = null;
      } else {
        const kept = await this.api.keep(id, document, this.#base ?? "", this.#draft);
        this.#draft = kept.revision;
        this.#kept = document;
      }
      this.others?.postMessage(id);
      if (this.#id !== id || useEditor.getState().document !== document) return;
      this.copies.drop(id);
      useSaving.setState({ state: document === this.#clean ? "saved" : "draft", error: null });
    } catch (error) {
      await this.#notKept(id, error);
    }
  }

  async #notKept(id: string, error: unknown): Promise<void> {
    if (this.#id !== id) return;
    if (isConflict(error)) return this.#readTheirs(id);
    useSaving.setState({ state: isUnreachable(error) ? "offline" : "failed", error });
    if (isUnreachable(error)) this.#soon(AGAIN_MS);
  }

  async #afterSave(saved: Saved, document: WorkflowDocument): Promise<void> {
    const first = this.#id === null;
    if (first) this.copies.drop(null);
    this.#id = saved.id;
    this.#base = saved.version;
    this.#clean = document;
    if (this.#draft !== null) await this.api.discard(saved.id).catch(() => undefined);
    this.#draft = this.#kept = null;
    if (first) useEditor.setState({ workflowId: saved.id });
    const unchanged = useEditor.getState().document === document;
    if (unchanged) this.copies.drop(saved.id);
    useSaving.setState({ state: unchanged ? "saved" : "keeping", saved, error: null });
    if (!unchanged) this.#soon(KEEP_AFTER_MS);
    this.others?.postMessage(saved.id);
  }

  async #notSaved(error: unknown): Promise<void> {
    if (this.#id !== null && isConflict(error)) return this.#readTheirs(this.#id);
    const { document } = useEditor.getState();
    this.copies.write(this.#id, { document, base: this.#base, draft: this.#draft });
    const kept = document === this.#kept ? "draft" : document === this.#clean ? "saved" : "keeping";
    useSaving.setState({ state: isUnreachable(error) ? "offline" : this.#id === null ? "local" : kept, error });
    if (this.#id !== null && document !== this.#kept) this.#soon(AGAIN_MS);
  }

  async #readTheirs(id: string): Promise<void> {
    try {
      const [saved, draft] = await this.#read(id);
      this.#clashWith(saved, draft);
    } catch (error) {
      useSaving.setState({ state: isUnreachable(error) ? "offline" : "failed", error });
      this.#soon(AGAIN_MS);
    }
  }

  /** Theirs is the draft, where it is not mine: it goes before the version. */
  #clashWith(saved: Saved, draft: DraftKept | null): void {
    const theirs = draft?.revision === this.#draft ? null : draft;
    const document = asDocument(theirs?.document ?? saved.document);
    this.#clash(theirs ? "draft" : "version", document, saved.version, draft?.revision ?? null);
  }

  #clash(kind: Conflict["kind"], document: WorkflowDocument, version: string, draft: string | null): void {
    const mine = useEditor.getState().document;
    this.copies.write(this.#id, { document: mine, base: this.#base, draft: this.#draft });
    useSaving.setState({ state: "conflict", conflict: { kind, document, version, draft }, error: null });
  }

  async #settled(): Promise<void> {
    if (this.#timer !== undefined) void this.#keep();
    await this.#busy;
  }
}
