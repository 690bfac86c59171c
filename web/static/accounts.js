// The accounts and their kill switch: what may trade, who stopped it and why, and the buttons that stop and resume.

import { api } from "./api.js";
import { h, money, show, wallTime } from "./dom.js";

const STATES = {
  active: ["good", "✓", "Active"],
  reducing: ["warn", "▼", "Reduce only"],
  halted: ["bad", "■", "Halted"],
};

const WAYS = {
  pause: {
    label: "Pause",
    title: (name) => `Pause ${name}?`,
    told: "Nothing opens any more, and workflows that trade on the account are stopped: those that run, wait or are queued. Open positions and pending orders stay, with their stops.",
    done: "is paused",
  },
  reduce: {
    label: "Reduce only",
    title: (name) => `Let ${name} only reduce?`,
    told: "Nothing opens any more. Workflows go on as far as they close, cancel or tighten.",
    done: "only reduces",
  },
  flatten: {
    label: "Flatten",
    title: (name) => `Flatten ${name}?`,
    told: "The account is paused, every pending order is cancelled and every position is closed at the market's price, also those opened by hand or by another program. This cannot be undone.",
    danger: true,
    done: "is being flattened",
  },
  resume: {
    label: "Resume",
    title: (name) => `Let ${name} trade again?`,
    told: "Triggers start workflows again from now on; what was stopped stays stopped. A flatten that still runs ends, and a kill its bridge was not told of yet is withdrawn.",
    done: "may trade again",
  },
};

/** What can be pressed: tightening always, and a resume once something is stopped or about to be. */
function waysOf(account) {
  const ways = { active: ["pause", "reduce", "flatten"], reducing: ["pause", "flatten"], halted: ["flatten"] }[account.state] ?? ["pause", "flatten"];
  return account.state !== "active" || account.undelivered ? [...ways, "resume"] : ways;
}

export function drawAccounts(element, items, act) {
  const shown = items.map(({ name, state, state_reason, state_by, state_since, trade_mode, flatten, undelivered, detail }) => [name, state, state_reason, state_by, state_since, trade_mode, flatten, undelivered, detail]);
  const held = element.contains(document.activeElement) ? document.activeElement : null;
  show(element, shown, () => items.map((account) => card(account, act)));
  if (held && !held.isConnected) focusAgain(element, held);
  // The figures change all the time: drawn by themselves, so that a button keeps the focus.
  [...element.querySelectorAll(".facts")].forEach((facts, index) => {
    const { equity, currency, positions, orders } = items[index];
    const count = (number, one) => `${number ?? "?"} ${one}${number === 1 ? "" : "s"}`;
    show(facts, [equity, currency, positions, orders], () =>
      [`equity ${money(equity, currency)}`, count(positions, "position"), count(orders, "pending order")].map((fact) => h("span", {}, fact)),
    );
  });
}

/** The same control of the new drawing; the account's heading where it is no more. */
function focusAgain(element, held) {
  const name = held.dataset.account;
  const same = [...element.querySelectorAll("button, h3")].filter((each) => each.dataset.account === name);
  (same.find((each) => each.textContent === held.textContent) ?? same[0])?.focus();
}

function card(account, act) {
  const known = STATES[account.state] ?? ["", "?", "Not known"];
  const [tone, mark, label] = account.undelivered ? ["bad", "…", "Being stopped"] : known;
  const stopped = account.state === "halted" || account.state === "reducing";
  const button = (way) =>
    h("button", { type: "button", class: WAYS[way].danger ? "danger" : way === "resume" ? "primary" : null, "aria-label": `${WAYS[way].label} ${account.name}`, "aria-haspopup": "dialog", "data-account": account.name, on: { click: () => act.ask(account, way) } }, WAYS[way].label);
  return h(
    "article",
    { class: `card account ${tone}`, "aria-label": `Account ${account.name}` },
    h(
      "header",
      {},
      h("h3", { tabindex: "-1", "data-account": account.name }, account.name),
      account.trade_mode ? h("span", { class: `badge ${account.trade_mode === "live" ? "bad" : "accent"}` }, account.trade_mode.toUpperCase()) : null,
      h("span", { class: `badge ${tone} state` }, h("span", { "aria-hidden": "true" }, mark), label),
    ),
    stopped ? h("p", { class: "why" }, `By ${account.state_by} on ${wallTime(account.state_since)}: ${account.state_reason}`) : null,
    flattenLine(account.flatten),
    account.undelivered ? h("p", { class: "why" }, `${account.undelivered.by} asked to stop it (${account.undelivered.mode}: ${account.undelivered.reason}). Its bridge has not confirmed it and is told until it does; meanwhile look at the broker.`) : null,
    account.detail ? h("p", { class: "soft small" }, account.detail) : null,
    h("p", { class: "facts" }),
    h("div", { class: "actions" }, waysOf(account).map(button)),
  );
}

function flattenLine(flatten) {
  if (!flatten || !["running", "flat"].includes(flatten.status)) return null;
  const done = `${flatten.closed} positions closed, ${flatten.cancelled} orders cancelled`;
  if (flatten.status === "flat") return h("p", { class: "small" }, `Flat: ${done}.`, flatten.trouble ? ` ${flatten.trouble}` : null);
  const trouble = flatten.trouble ?? flatten.remaining.find((each) => each.trouble)?.trouble;
  return h("p", { class: "small" }, `Being flattened: ${done}, ${flatten.left ?? "?"} left.`, trouble ? ` ${trouble}` : null);
}

/** The dialog that asks for a reason. `done` is told the sentence to say and the account, once the API did it. */
export function killDialog(dialog, done) {
  const part = (name) => dialog.querySelector(`[data-part="${name}"]`);
  let asked = null;
  const fail = (text) => {
    part("trouble").hidden = !text;
    part("trouble").textContent = text;
  };
  part("cancel").addEventListener("click", () => dialog.close());
  part("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { account, way } = asked;
    const reason = part("reason").value.trim();
    if (!reason) {
      fail("Say why: it is kept with the account.");
      part("reason").focus();
      return;
    }
    part("confirm").disabled = true;
    fail("");
    try {
      const told = way === "resume" ? await api.resume(account.name, reason) : await api.kill(account.name, way, reason);
      dialog.close();
      const stopped = told.stopped === undefined ? "" : ` ${told.stopped} executions are stopped.`;
      done(`${account.name} ${WAYS[way].done}.${stopped}`, account.name);
    } catch (error) {
      fail([error.message, error.detail?.hint].filter(Boolean).join(" "));
    } finally {
      part("confirm").disabled = false;
    }
  });
  return (account, way) => {
    asked = { account, way };
    part("title").textContent = WAYS[way].title(account.name);
    part("told").textContent = WAYS[way].told;
    part("confirm").textContent = `${WAYS[way].label} ${account.name}`;
    part("confirm").className = WAYS[way].danger ? "primary danger" : "primary";
    part("reason").value = "";
    fail("");
    dialog.showModal();
    part("reason").focus();
  };
}
