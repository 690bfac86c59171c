// The first screen: workflows, the chosen one's executions, notifications.

import { api } from "./api.js";
import { duration, h, made, marketTime, show, wallTime } from "./dom.js";

const BADGES = {
  succeeded: ["good", "✓", "Succeeded"],
  failed: ["bad", "✕", "Failed"],
  timed_out: ["bad", "✕", "Timed out"],
  stopped: ["warn", "■", "Stopped"],
  running: ["info", null, "Running"],
  pending: ["info", null, "Starting"],
};

export function statusBadge(execution) {
  const [tone, mark, label] = BADGES[execution.status] ?? ["", "?", execution.status];
  const told = execution.has_errors ? `${label} with errors` : label;
  const shown = execution.has_errors && tone === "good" ? "warn" : tone;
  return h("span", { class: `badge ${shown}` }, mark ? h("span", { "aria-hidden": "true" }, mark) : h("span", { class: "spin" }), told);
}

export function drawWorkflows(element, items, chosen, act) {
  show(element, [items, chosen], () => {
    if (!items.length) {
      return h("p", { class: "empty" }, "No workflows yet. Import the examples with ", h("code", {}, "tradeloom demo"), " or POST a document to the API.");
    }
    return items.map((workflow) => card(workflow, workflow.id === chosen, act));
  });
}

function card(workflow, chosen, act) {
  const facts = [
    `${workflow.nodes} nodes`,
    `account ${workflow.account}`,
    workflow.next_fire ? `next ${marketTime(workflow.next_fire)}` : null,
    `version ${workflow.version.slice(0, 8)}`,
  ].filter(Boolean);
  const flip = h(
    "button",
    { class: "switch", role: "switch", type: "button", "aria-checked": workflow.active, "aria-label": `${workflow.name} active`, on: { click: (event) => act.toggle(workflow, event.currentTarget) } },
    h("span", {}, workflow.active ? "Active" : "Off"),
    h("span", { class: "track", "aria-hidden": "true" }),
  );
  return h(
    "article",
    { class: `card workflow${chosen ? " chosen" : ""}` },
    h("header", {}, h("h3", {}, h("a", { href: `#/workflows/${workflow.id}`, "aria-current": chosen ? "true" : null }, workflow.name)), flip),
    workflow.description ? h("p", { class: "soft small" }, workflow.description) : null,
    h("p", { class: "facts" }, facts.map((fact) => h("span", {}, fact))),
    h(
      "div",
      { class: "actions" },
      h("button", { class: chosen ? "primary" : null, type: "button", "aria-label": `Execute ${workflow.name}`, on: { click: (event) => act.execute(workflow, false, event.currentTarget) } }, "Execute"),
      h("button", { type: "button", title: "Trades on the private test account", "aria-label": `Test ${workflow.name}`, on: { click: (event) => act.execute(workflow, true, event.currentTarget) } }, "Test"),
    ),
  );
}

export function drawExecutions(element, workflow, page) {
  show(element, [workflow?.id, page?.items], () => {
    if (!workflow) return h("p", { class: "empty" }, "Choose a workflow to see what it did.");
    if (!page || !page.items.length) return h("p", { class: "empty" }, `${workflow.name} has not run yet.`);
    const rows = page.items.map((execution) =>
      h(
        "li",
        {},
        h(
          "a",
          { class: "row", href: `#/executions/${execution.id}` },
          statusBadge(execution),
          h(
            "span",
            { class: "cut" },
            execution.test_mode ? h("span", { class: "badge accent" }, "test") : null,
            execution.test_mode ? " " : null,
            h("span", { class: "num" }, marketTime(execution.as_of)),
            execution.error ? h("span", { class: "soft small" }, ` — ${execution.error.name}`) : null,
            made(execution.trades) ? h("span", { class: "small num" }, ` ${made(execution.trades)}`) : null,
          ),
          h("span", { class: "when soft small num" }, duration(execution.duration_ms)),
        ),
      ),
    );
    const more = page.total > page.items.length ? h("li", { class: "row soft small" }, `${page.total - page.items.length} older ones`) : null;
    return h("ul", { class: "list card", "aria-label": `Executions of ${workflow.name}` }, rows, more);
  });
}

export function drawNotifications(element, items) {
  show(element, items, () => {
    if (!items.length) return h("p", { class: "empty" }, "Nothing yet. Nodes of type notify.dashboard speak here.");
    const rows = items.map((item) =>
      h(
        "li",
        { class: `note ${item.level}` },
        h("header", {}, h("strong", {}, h("span", { class: "visually-hidden" }, `${item.level}: `), item.title), h("span", { class: "soft small num" }, wallTime(item.time))),
        h("p", { class: "small" }, item.message),
        item.execution_id ? h("a", { class: "small soft", href: `#/executions/${item.execution_id}` }, "Open the execution") : null,
      ),
    );
    return h("ul", { class: "list card" }, rows);
  });
}

export async function loadHome(chosen) {
  const [workflows, notifications] = await Promise.all([api.workflows(), api.notifications()]);
  const workflow = workflows.items.find((each) => each.id === chosen) ?? workflows.items[0] ?? null;
  const executions = workflow ? await api.executions(workflow.id) : null;
  return { workflows: workflows.items, notifications: notifications.items, workflow, executions };
}
