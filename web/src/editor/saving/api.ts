// What the saver asks of the server; a test brings a server of its own.
import { api, type Schemas, told } from "@/api/client";
import type { WorkflowDocument } from "../store/types";

export type Saved = Schemas["WorkflowDetail"];
export type DraftKept = Schemas["Draft"];

export interface SavingApi {
  workflow(id: string): Promise<Saved>;
  draft(id: string): Promise<DraftKept | null>;
  /** `over` is the revision of the draft it replaces, null for none, `*` for whichever. */
  keep(id: string, document: WorkflowDocument, base: string, over: string | null): Promise<DraftKept>;
  discard(id: string): Promise<void>;
  create(document: WorkflowDocument): Promise<Saved>;
  replace(id: string, document: WorkflowDocument, base: string): Promise<Saved>;
}

const path = (id: string) => ({ path: { id } });

export const savingApi: SavingApi = {
  workflow: (id) => told(api.GET("/api/agentic/workflows/{id}", { params: path(id) })),
  draft: async (id) => (await told(api.GET("/api/agentic/workflows/{id}/draft", { params: path(id) }))).draft ?? null,
  async keep(id, document, base, over) {
    const header =
      over === null
        ? { "if-match": null, "if-none-match": "*" }
        : { "if-match": over === "*" ? "*" : `"${over}"`, "if-none-match": null };
    const kept = await told(
      api.PUT("/api/agentic/workflows/{id}/draft", {
        params: { ...path(id), header },
        body: { document, base_version: base },
      }),
    );
    return kept.draft as DraftKept;
  },
  async discard(id) {
    await api.DELETE("/api/agentic/workflows/{id}/draft", { params: path(id) });
  },
  create: (document) => told(api.POST("/api/agentic/workflows", { body: document as never })),
  replace: (id, document, base) =>
    told(
      api.PUT("/api/agentic/workflows/{id}", {
        params: { ...path(id), header: { "if-match": `"${base}"` } },
        body: document as never,
      }),
    ),
};
