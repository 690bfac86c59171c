// What can be done with a workflow of the list.
import i18next from "i18next";
import { ApiError, api, type Schemas, told } from "@/api/client";
import { queryClient } from "@/api/queries";
import { saveFile } from "@/ui/save";
import { toast } from "@/ui/toast";
import { fileName, type Summary } from "./listing";

type Document = Record<string, unknown>;
const WORKFLOWS = "/api/agentic/workflows";
const BLANK: Document = {
  nodes: [{ id: "start", type: "trigger.manual", name: "Start by hand", position: { x: 0, y: 0 } }],
  connections: [],
};

/** Runs it and tells a failure; what it gave, or undefined. */
export async function tried<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    toast.failed(error);
    return undefined;
  }
}

const read = (id: string) => told(api.GET(`${WORKFLOWS}/{id}`, { params: { path: { id } } }));
/** Whatever shows workflows is read again. */
export const workflowsChanged = () => queryClient.invalidateQueries({ queryKey: ["workflows"] });

export async function createWorkflow(document: Document): Promise<Schemas["WorkflowDetail"]> {
  const made = await told(api.POST(WORKFLOWS, { body: document as never }));
  void workflowsChanged();
  return made;
}

export const createBlank = () => createWorkflow({ ...BLANK, name: i18next.t("workflows:untitled") });

export const setActive = (id: string, active: boolean) =>
  told(api.POST(`${WORKFLOWS}/{id}/toggle`, { params: { path: { id } }, body: { active } }));

export const toggle = (workflow: Summary) =>
  tried(async () => {
    const { id, name, active } = workflow;
    await setActive(id, !active);
    await workflowsChanged();
    toast.done(i18next.t(active ? "workflows:deactivated" : "workflows:activated", { name }));
  });

/** The execution, once it was started. */
export const run = (id: string, test: boolean) =>
  tried(() =>
    told(api.POST(`${WORKFLOWS}/{id}/execute`, { params: { path: { id } }, body: { test_mode: test } as never })),
  );

export const duplicate = (workflow: Summary) =>
  tried(async () => {
    const { document } = await read(workflow.id);
    const name = i18next.t("workflows:copyOf", { name: workflow.name }).slice(0, 120);
    await createWorkflow({ ...document, name });
    toast.done(i18next.t("workflows:duplicated", { name: workflow.name }));
  });

export const exportJson = (workflow: Summary) =>
  tried(async () => {
    const { document } = await read(workflow.id);
    const text = `${JSON.stringify(document, null, 2)}\n`;
    saveFile(fileName(workflow.name), new Blob([text], { type: "application/json" }));
  });

export type Refused = { file: string; error: unknown };

/** Each file is a workflow document. Those that cannot be used are told, the others are made. */
export async function importFiles(files: Iterable<File>): Promise<{ made: number; refused: Refused[] }> {
  const refused: Refused[] = [];
  let made = 0;
  for (const file of files) {
    try {
      await createWorkflow(parsed(await file.text()));
      made += 1;
    } catch (error) {
      refused.push({ file: file.name, error });
    }
  }
  return { made, refused };
}

function parsed(text: string): Document {
  try {
    return JSON.parse(text);
  } catch {
    const message = i18next.t("workflows:importing.noJson");
    throw new ApiError(422, { name: "InvalidInput", message });
  }
}

export async function saveTags(id: string, tags: string[]): Promise<void> {
  await told(api.PUT(`${WORKFLOWS}/{id}/tags`, { params: { path: { id } }, body: { tags } }));
  await workflowsChanged();
}
