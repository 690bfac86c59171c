// The API's typed client. `schema.d.ts` is written from `openapi.json` (`make console-api`), which a test holds to the server's.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";
import { forgetToken, token } from "./token";

export type Schemas = components["schemas"];
/** What the server says of a failure: what is wrong, where, and what to do. */
export type Trouble = {
  name: string;
  message: string;
  field?: string | null;
  node?: string | null;
  hint?: string | null;
  problems?: { message: string; node?: string | null; field?: string | null; hint?: string | null }[];
};

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly trouble: Trouble,
  ) {
    super(trouble.message);
  }
}

/** Status 0: nothing answered. */
export const unreachable = (error: unknown): boolean => error instanceof ApiError && error.status === 0;

const carryToken: Middleware = {
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${token()}`);
    return request;
  },
  onError() {
    return new ApiError(0, {
      name: "Unreachable",
      message: "Tradeloom does not answer.",
      hint: "Is it still running?",
    });
  },
  async onResponse({ response }) {
    if (response.ok) return response;
    if (response.status === 401) forgetToken();
    let trouble: Trouble = { name: "Error", message: `The server answered ${response.status}.` };
    try {
      const told = await response.json();
      if (told?.error) trouble = told.error;
    } catch {
      // Not JSON: a proxy's page. The status is all there is to tell.
    }
    throw new ApiError(response.status, trouble);
  },
};

export const api = createClient<paths>({ baseUrl: location.origin });
api.use(carryToken);

/** The answer's body. A failure was thrown already. */
export async function told<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
