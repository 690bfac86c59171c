// Elements from plain data. Text is always set as text: nothing a node said is ever parsed as HTML.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === false) continue;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A bar from `start` to `end`, both 0…1 of the lane. */
export function lane(start, end) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("viewBox", "0 0 1000 8");
  drawing.setAttribute("aria-hidden", "true");
  const bar = document.createElementNS(SVG, "rect");
  const left = Math.min(Math.max(start, 0), 1) * 1000;
  const width = Math.max(8, Math.min(1000 - left, (end - start) * 1000));
  for (const [name, value] of Object.entries({ x: Math.min(left, 992), y: 0, width, height: 8, rx: 3 })) {
    bar.setAttribute(name, value);
  }
  drawing.append(bar);
  return h("span", { class: "lane" }, drawing);
}

/** Replace an element's children only when what they show has changed: focus and open details survive a refresh. */
export function show(element, key, make) {
  const text = JSON.stringify(key);
  if (element.dataset.shown === text) return;
  element.dataset.shown = text;
  element.replaceChildren(...[make()].flat());
}

const clock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const precise = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const near = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const marketTime = (iso) => (iso ? `${clock.format(new Date(iso))} UTC` : "—");
export const wallTime = (iso) => (iso ? near.format(new Date(iso)) : "—");
export const exactTime = (iso) => (iso ? precise.format(new Date(iso)) : "—");

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function money(value, currency) {
  if (value === null || value === undefined) return "—";
  const shown = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
  return currency ? `${shown} ${currency}` : shown;
}

const shown = (value) => (typeof value === "number" && !Number.isInteger(value) ? +value.toPrecision(7) : value);

/** The scalar values of an output, most telling first, as one line. */
export function telling(output) {
  if (output === null || typeof output !== "object") return output === null || output === undefined ? "" : String(output);
  const first = ["ticket", "price", "volume", "status", "value", "signal", "result", "bid", "ask", "balance", "count"];
  const plain = Object.entries(output).filter(([, value]) => value !== null && typeof value !== "object");
  const rank = (name) => (first.includes(name) ? first.indexOf(name) : first.length);
  plain.sort(([one], [other]) => rank(one) - rank(other));
  return plain.slice(0, 4).map(([name, value]) => `${name} ${shown(value)}`).join("  ·  ");
}

/** What an execution's positions made so far: a sum by currency; empty where nothing it opened was closed. */
export function made(trades) {
  const sums = new Map();
  for (const result of trades?.results ?? []) sums.set(result.currency, (sums.get(result.currency) ?? 0) + result.net);
  return [...sums].map(([currency, net]) => money(net, currency)).join(", ");
}

const POSITIONS = { none: "no order filled", pending: "orders wait", open: "open", closed: "closed" };

/** Whether what it opened is closed, and what it made. */
export function result(trades) {
  return [made(trades), POSITIONS[trades?.state] ?? ""].filter(Boolean).join(" · ");
}
