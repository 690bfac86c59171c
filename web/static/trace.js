// One execution: figures, the node-by-node trace, the log.

import { duration, exactTime, h, lane, marketTime, result, show, telling, wallTime } from "./dom.js";
import { statusBadge } from "./home.js";

const MARKS = { succeeded: "✓", failed: "✕", skipped: "–", running: "•", waiting: "◔", paused: "‖" };

const UNTIMED = { skipped: "skipped", waiting: "waiting", paused: "paused" };

const MOST_LINES = 1_000;

/** Each part is drawn when what it shows has changed: a log line leaves the trace alone. */
export function drawExecution(element, watched, act) {
  const { execution, lines, progress } = watched;
  show(element, execution.id, () => [
    h("div", { "data-part": "head" }),
    h("section", { class: "block", "aria-labelledby": "trace-title" }, h("h2", { id: "trace-title" }, "Node by node"), h("div", { "data-part": "trace" })),
    h("section", { class: "block", "aria-labelledby": "log-title" }, h("h2", { id: "log-title" }, "Log"), h("div", { "data-part": "log" })),
  ]);
  const part = (name) => element.querySelector(`[data-part="${name}"]`);
  const { node_runs, seq, ...head } = execution;
  show(part("head"), head, () => [
    h("p", { class: "crumbs" }, h("a", { href: `#/workflows/${execution.workflow_id}` }, execution.workflow_name || "Workflow"), " / execution"),
    title(execution, act),
    figures(execution),
    execution.error ? failure(execution) : null,
  ].filter(Boolean));
  const open = new Set([...element.querySelectorAll("details[open]")].map((each) => each.dataset.run));
  show(part("trace"), [execution.status, node_runs, [...progress.values()]], () => trace(execution, open, progress));
  drawLog(part("log"), lines);
}

function title(execution, act) {
  const live = execution.status === "running" || execution.status === "pending";
  return h(
    "div",
    { class: "title" },
    h("div", {}, h("h1", {}, execution.workflow_name || execution.workflow_id), statusBadge(execution), execution.test_mode ? h("span", { class: "badge accent" }, "Test mode") : null),
    h(
      "div",
      {},
      live ? h("button", { class: "danger", type: "button", on: { click: (event) => act.stop(execution, event.currentTarget) } }, "Stop") : null,
      live ? null : h("button", { type: "button", on: { click: (event) => act.again(execution, event.currentTarget) } }, execution.test_mode ? "Test again" : "Execute again"),
    ),
  );
}

function figures(execution) {
  const facts = {
    "Market time": marketTime(execution.as_of),
    Account: execution.account,
    Trigger: execution.trigger,
    Started: wallTime(execution.started_at),
    Took: duration(execution.duration_ms) || "…",
    Result: result(execution.trades),
    Version: execution.version.slice(0, 12),
    Execution: execution.id,
  };
  return h("dl", { class: "card figures" }, Object.entries(facts).map(([name, value]) => h("div", { class: name === "Execution" ? "wide" : null }, h("dt", {}, name), h("dd", {}, value))));
}

function failure(execution) {
  const where = execution.error.node ? ` in ${execution.error.node}` : "";
  return h("div", { class: "card failure", role: "alert" }, h("strong", {}, `${execution.error.name}${where}`), h("p", {}, execution.error.message));
}

function trace(execution, open, progress) {
  if (!execution.node_runs.length) return h("p", { class: "empty" }, "No node has run yet.");
  const begin = Date.parse(execution.started_at);
  const ends = execution.node_runs.map((run) => Date.parse(run.finished_at ?? run.started_at ?? execution.started_at));
  const span = Math.max(1, (execution.finished_at ? Date.parse(execution.finished_at) : Math.max(...ends)) - begin);
  return h("ul", { class: "list card trace" }, execution.node_runs.map((run) => h("li", { class: run.state }, row(run, begin, span, open, progress.get(`${run.node}/${run.iteration.join()}`)))));
}

function row(run, begin, span, open, progress) {
  const key = `${run.node}/${run.iteration.join(".")}/${run.attempts}`;
  const step = run.iteration.length ? ` #${run.iteration.map((index) => index + 1).join(".")}` : "";
  const from = run.started_at ? (Date.parse(run.started_at) - begin) / span : 0;
  const to = run.finished_at ? (Date.parse(run.finished_at) - begin) / span : 1;
  const port = run.port && run.port !== "main" ? h("span", { class: "badge" }, run.port) : null;
  const told = run.error ? run.error.name : progress ? progressing(progress) : telling(run.output);
  const details = h(
    "details",
    { "data-run": key, open: open.has(key) },
    h(
      "summary",
      {},
      h("span", { class: `mark ${run.state}`, role: "img", "aria-label": run.state }, MARKS[run.state] ?? "?"),
      h("span", { class: "cut" }, h("strong", {}, run.name + step), " ", h("span", { class: "soft small" }, run.type)),
      h("span", { class: "values cut num" }, port, port ? " " : null, told),
      run.state === "skipped" ? h("span", { class: "lane none" }) : lane(from, to),
      h("span", { class: "took" }, UNTIMED[run.state] ?? duration(run.duration_ms)),
    ),
    h(
      "div",
      { class: "body" },
      h("p", { class: "soft small num" }, `${run.node} · started ${exactTime(run.started_at)}${run.attempts > 1 ? ` · attempt ${run.attempts}` : ""}`),
      run.error ? h("div", { class: "failure card" }, h("strong", {}, run.error.name), h("p", {}, run.error.message)) : null,
      run.output === null || run.output === undefined ? null : h("pre", { tabindex: "0", "aria-label": `Output of ${run.name}` }, JSON.stringify(run.output, null, 2)),
    ),
  );
  return details;
}

const progressing = ({ done, total, note }) => [`${done}${total ? ` of ${total}` : ""}`, note].filter(Boolean).join(" · ");

/** New lines are added to those that stand there; the last thousand are shown. */
function drawLog(element, lines) {
  show(element, lines.length > 0, () =>
    lines.length ? h("div", { class: "card log", tabindex: "0", role: "log", "aria-label": "Log of the execution" }) : h("p", { class: "empty" }, "No node has written to the log."),
  );
  const log = element.querySelector(".log");
  if (!log) return;
  const following = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  const last = Number(log.dataset.last ?? 0);
  const fresh = lines.filter((line) => line.seq > last).slice(-MOST_LINES);
  if (!fresh.length) return;
  log.append(...fresh.map((line) => h("p", { class: line.level }, h("span", { class: "soft" }, exactTime(line.time)), h("span", {}, line.node ?? ""), h("span", {}, line.message))));
  log.dataset.last = String(fresh.at(-1).seq);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (following) log.scrollTop = log.scrollHeight;
}
