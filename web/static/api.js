// The API with this tab's token.

const KEY = "tradeloom.token";
const PREFIX = "/api/agentic";

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.detail = error;
  }
}

/** Takes the token out of the address (`#token=…`), so that it stays out of the history and of bookmarks. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", `${location.pathname}#/`);
  }
  return Boolean(sessionStorage.getItem(KEY));
}

export const keepToken = (token) => sessionStorage.setItem(KEY, token);
export const token = () => sessionStorage.getItem(KEY) ?? "";
export const forgetToken = () => sessionStorage.removeItem(KEY);

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(PREFIX + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError(0, { name: "Unreachable", message: "Tradeloom does not answer. Is it still running?" });
  }
  const text = await answer.text();
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    told = null;
  }
  if (!answer.ok) throw new ApiError(answer.status, told?.error ?? { name: "Error", message: `The server answered ${answer.status}.` });
  return told;
}

const id = encodeURIComponent;

export const api = {
  health: () => call("GET", "/health"),
  workflows: () => call("GET", "/workflows?limit=200"),
  toggle: (workflow, active) => call("POST", `/workflows/${id(workflow)}/toggle`, { active }),
  execute: (workflow, test) => call("POST", `/workflows/${id(workflow)}/execute`, { test_mode: test }),
  executions: (workflow) => call("GET", `/workflows/${id(workflow)}/executions?limit=30`),
  execution: (execution) => call("GET", `/executions/${id(execution)}`),
  logs: (execution, after) => call("GET", `/executions/${id(execution)}/logs?limit=200&after=${after}`),
  stop: (execution) => call("POST", `/executions/${id(execution)}/stop`),
  accounts: () => call("GET", "/accounts"),
  kill: (account, mode, reason) => call("POST", `/accounts/${id(account)}/kill`, { mode, reason }),
  resume: (account, reason) => call("POST", `/accounts/${id(account)}/resume`, { reason }),
  notifications: () => call("GET", "/notifications?limit=20"),
};
