// Starts the page, follows the address, refreshes what is shown.

import { drawAccounts, killDialog } from "./accounts.js";
import { api, forgetToken, keepToken, takeToken } from "./api.js";
import { h, marketTime, money, show } from "./dom.js";
import { drawExecutions, drawNotifications, drawWorkflows, loadHome } from "./home.js";
import { RunEvents } from "./live.js";
import { drawExecution } from "./trace.js";
import { Watched } from "./watching.js";

const part = (id) => document.getElementById(id);
const state = { open: false, timer: 0, round: 0, watched: null, channel: null, leave: null, reachable: true, soon: 0, frame: 0 };
const TENANT = "local";
const POLL_MS = 2_000; // without messages
const LIVE_MS = 5_000; // with them: figures that no message tells, such as the market's clock
const READ_MS = 250; // outputs follow their status
let readingAccounts = null;
const LIVE = new Set(["running", "pending"]);

function place() {
  const [, kind, id] = location.hash.replace(/^#/, "").split("/");
  return { kind: kind === "executions" || kind === "workflows" ? kind : "", id: id ? decodeURIComponent(id) : null };
}

function screen(name) {
  for (const each of ["signin", "home", "execution"]) part(each).hidden = each !== name;
}

function say(text) {
  part("said").textContent = text;
}

function trouble(error) {
  const box = part("trouble");
  box.hidden = !error;
  if (error) box.textContent = [error.message, error.detail?.hint].filter(Boolean).join(" ");
}

async function guarded(work) {
  try {
    const made = await work();
    trouble(null);
    reached(true);
    return made;
  } catch (error) {
    reached(error.status !== 0);
    if (error.status === 401) {
      forgetToken();
      askForToken("That token is not this machine's.");
    } else {
      trouble(error);
    }
    return null;
  }
}

/** What a button does: once at a time, and its failure is told beside nothing else changing. */
async function pressed(button, work) {
  button.disabled = true;
  const made = await guarded(work);
  button.disabled = false;
  return made;
}

const act = {
  async toggle(workflow, button) {
    const made = await pressed(button, () => api.toggle(workflow.id, !workflow.active));
    if (made) say(`${workflow.name} is ${made.active ? "active" : "off"}.`);
    if (made) await refresh();
  },
  async execute(workflow, test, button) {
    const made = await pressed(button, () => api.execute(workflow.id, test));
    if (made) location.hash = `#/executions/${made.id}`;
  },
  ask: killDialog(part("kill"), async (told, account) => {
    say(told);
    await readingAccounts; // that one may have asked before
    await Promise.all([refresh(), showAccounts()]);
    part("accounts").querySelector(`h3[data-account="${CSS.escape(account)}"]`)?.focus();
  }),
  async again(execution, button) {
    const made = await pressed(button, () => api.execute(execution.workflow_id, execution.test_mode));
    if (made) location.hash = `#/executions/${made.id}`;
  },
  async stop(execution, button) {
    await pressed(button, () => api.stop(execution.id));
    await refresh();
  },
};

function drawStanding(health) {
  const account = health.accounts[0];
  const down = health.components.filter((component) => component.status !== "ok");
  const fact = (name, value) => h("span", { class: "fact" }, h("span", {}, name), h("span", {}, value));
  show(part("standing"), [health.status, account, health.running, down], () => [
    account ? fact("Account", `${account.name} · ${account.state ?? "unavailable"}`) : null,
    account?.available ? fact("Equity", money(account.equity, account.currency)) : null,
    account?.market_time ? fact("Market clock", `${marketTime(account.market_time)}${account.speed === 0 ? " · standing" : account.speed === 1 ? "" : ` · ×${account.speed}`}`) : null,
    fact("Running", String(health.running)),
    account?.trade_mode ? h("span", { class: `badge ${account.trade_mode === "live" ? "bad" : "accent"}` }, account.trade_mode.toUpperCase()) : null,
    h("span", { class: `badge health ${down.length ? "bad" : "good"}`, title: down.map((each) => `${each.name}: ${each.detail}`).join("\n") || null }, down.length ? `${down.map((each) => each.name).join(", ")} down` : "All systems up"),
  ].filter(Boolean));
  part("version").textContent = `Tradeloom ${health.version}`;
}

async function refresh() {
  const round = ++state.round;
  clearTimeout(state.timer);
  const { kind, id } = place();
  const soon = await guarded(async () => {
    const health = await api.health();
    if (round !== state.round) return null;
    drawStanding(health);
    events.open(); // the token is good
    return kind === "executions" && id ? showExecution(id, round) : showHome(kind === "workflows" ? id : null, round);
  });
  if (round === state.round && state.open) state.timer = setTimeout(refresh, document.hidden ? 15_000 : soon ? 400 : events.live ? LIVE_MS : POLL_MS);
}

// -- as it happens ----------------------------------------------------------------------------------------------

const events = new RunEvents(() => {
  drawLive();
  if (state.open && !events.live) refresh();
});

function reached(reachable) {
  state.reachable = reachable;
  drawLive();
}

function drawLive() {
  const [tone, label] = !state.reachable || !navigator.onLine ? ["bad", "Offline"] : events.live ? ["good", "Live"] : ["warn", "Polling"];
  show(part("live"), [state.open, label], () => (state.open ? label : ""));
  part("live").className = state.open ? `badge ${tone}` : "";
  part("standing").classList.toggle("stale", label === "Offline"); // figures of before
}

/** Hear what is on the screen: one run, or the status of all. */
function watch(channel, subscriber) {
  if (state.channel === channel) return;
  state.leave?.();
  state.channel = channel;
  state.leave = events.subscribe({ channel, ...subscriber });
}

const watchAll = () => watch(`/runs/${TENANT}/*`, { seq: () => null, ready: readSoon, hear: readSoon });

function watchRun(watched) {
  watch(`/runs/${TENANT}/${watched.id}`, {
    seq: () => watched.seq,
    ready: readSoon,
    hear(message) {
      if (watched.hear(message)) readSoon();
      state.frame ||= requestAnimationFrame(() => {
        state.frame = 0;
        if (state.watched === watched && watched.execution) drawExecution(part("execution"), watched, act);
      });
    },
  });
}

/** Read by REST, once for all that asks for it meanwhile. */
function readSoon() {
  state.soon ||= setTimeout(() => {
    state.soon = 0;
    if (state.open) refresh();
  }, READ_MS);
}

/** By itself: a terminal that hangs delays its account's figures, and nothing else. */
function showAccounts() {
  readingAccounts ??= api
    .accounts()
    .then((told) => drawAccounts(part("accounts"), told.items, act))
    .catch(() => {}) // what cannot be reached at all is told by the rest of the page
    .finally(() => (readingAccounts = null));
  return readingAccounts;
}

async function showHome(chosen, round) {
  showAccounts();
  const made = await loadHome(chosen);
  if (round !== state.round) return false;
  state.watched = null;
  watchAll();
  screen("home");
  document.title = "Tradeloom";
  drawWorkflows(part("workflows"), made.workflows, made.workflow?.id, act);
  part("executions-title").textContent = made.workflow ? `Executions of ${made.workflow.name}` : "Executions";
  drawExecutions(part("executions"), made.workflow, made.executions);
  drawNotifications(part("notifications"), made.notifications);
  return !events.live && (made.executions?.items.some((each) => LIVE.has(each.status)) ?? false);
}

async function showExecution(id, round) {
  if (state.watched?.id !== id) state.watched = new Watched(id);
  const watched = state.watched;
  const [execution, log] = await Promise.all([api.execution(id), api.logs(id, watched.after)]);
  if (round !== state.round) return false;
  watched.read(execution, log);
  watchRun(watched);
  screen("execution");
  document.title = `${execution.workflow_name || "Execution"} · Tradeloom`;
  drawExecution(part("execution"), watched, act);
  return log.items.length === 200 || (!events.live && LIVE.has(execution.status));
}

function askForToken(message) {
  state.open = false;
  clearTimeout(state.timer);
  events.close();
  drawLive();
  screen("signin");
  trouble(message ? new Error(message) : null);
  part("token").focus();
}

function enter() {
  state.open = true;
  drawLive();
  refresh();
}

part("signin-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(part("token").value.trim());
  part("token").value = "";
  enter();
});
addEventListener("hashchange", () => {
  if (takeToken() && state.open) {
    part("main").focus({ preventScroll: true });
    scrollTo(0, 0);
    refresh();
  } else if (!state.open && takeToken()) enter();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && state.open) refresh();
});

if (takeToken()) enter();
else askForToken("");
