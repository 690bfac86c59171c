"""The status page's HTML. Text only: whatever comes from outside is escaped, nothing is loaded, nothing runs."""

import base64
import hashlib
import math
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from mt5_bridge.metrics import BUCKETS_S, AccountFigures, Figures, Histogram

REFRESH_S = 5
_STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#f6f7f9, #14171c); --card: light-dark(#fff, #1c2129);
  --ink: light-dark(#1b1f24, #e4e8ee); --dim: light-dark(#5b6572, #98a3b3); --line: light-dark(#dde2e8, #2e3540);
  --good: light-dark(#12713f, #4fc98a); --warn: light-dark(#8a5300, #f0b04d); --bad: light-dark(#b3261e, #ff8a80);
  --bar: light-dark(#3b6fd1, #6f9df2); }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 72rem; margin: 0 auto; display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .9rem; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; } h3 { font-size: .8rem; margin: 0 0 .4rem;
  color: var(--dim); font-weight: 600; text-transform: uppercase; letter-spacing: .04em; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.2rem; }
.dim { color: var(--dim); } .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.pill { border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem; font-weight: 600; }
.row { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem .8rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .7rem 1.2rem;
  margin: .9rem 0 0; }
.facts dt { color: var(--dim); font-size: .8rem; } .facts dd { margin: 0; font-size: 1.02rem; overflow-wrap: anywhere; }
.parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.2rem; margin-top: 1rem;
  padding-top: 1rem; border-top: 1px solid var(--line); }
.trouble { margin: .7rem 0 0; padding: .5rem .8rem; border-left: .25rem solid var(--bad); background: var(--paper);
  overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); white-space: nowrap; } th { color: var(--dim); font-weight: 500;
  font-size: .8rem; } tr:last-child td { border-bottom: 0; } td.n, th.n { text-align: right; }
svg { display: block; } rect { fill: var(--bar); } rect.none { fill: var(--line); }
@media (prefers-reduced-transparency: no-preference) { section { box-shadow: 0 1px 2px #0001; } }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Sent with everything the status server answers."""

_GOOD, _WARN, _BAD, _DIM = "good", "warn", "bad", "dim"
_COLOURS = {
    "ok": _GOOD, "ready": _GOOD, "active": _GOOD, "starting": _WARN, "restarting": _WARN, "draining": _WARN,
    "degraded": _BAD, "reducing": _WARN, "halted": _BAD, "down": _BAD, "stopped": _WARN,
}  # fmt: skip


def page(health: Mapping[str, Any], figures: Figures, books: Mapping[str, Mapping[str, Any]]) -> str:
    """`health`, `figures` and `books` as the exposition takes them."""
    now = datetime.fromtimestamp(health["time"], UTC)
    accounts = "".join(
        _account(name, account, books[name], figures.accounts.get(name, AccountFigures()))
        for name, account in health["accounts"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(health['status'])} · Tradeloom bridge</title><style>{_STYLE}</style></head><body><main>"
        f"<header><h1>Tradeloom bridge</h1>{_pill(health['status'])}"
        f'<span class="dim">version {_text(health["version"])} · protocol {_text(health["protocol"])} · '
        f"{now:%Y-%m-%d %H:%M:%S} UTC · up {_span(health['uptime_s'])}</span></header>"
        f"{_overview(health)}{accounts}{_calls(figures)}"
        f'<p class="dim">Counted since the bridge was started; refreshed every {REFRESH_S} s. '
        "Times are bounds: as many calls took at most so long.</p></main></body></html>"
    )


def _overview(health: Mapping[str, Any]) -> str:
    connections = health["connections"]
    return "<section><h2>Calls and connections</h2>" + _facts(
        ("Calls", _count(health["calls"]), ""),
        ("Answered with an error", _count(health["errors"]), ""),
        ("Turned away, too many at once", _count(health["busy"]), _WARN if health["busy"] else ""),
        ("Under way", _count(health["under_way"]), ""),
        ("Connections open", _count(connections["open"]), ""),
        ("Failed in the handshake", _count(connections["handshake"]), _WARN if connections["handshake"] else ""),
        ("One connection too many", _count(connections["too_many"]), _WARN if connections["too_many"] else ""),
    ) + "</section>"  # fmt: skip


def _account(name: str, account: Mapping[str, Any], book: Mapping[str, Any], told: AccountFigures) -> str:
    troubles = [account["trouble"]]
    troubles += [account[file] for file in ("journal", "guards_file") if account[file] != "ok"]
    notes = "".join(f'<p class="trouble">{_text(trouble)}</p>' for trouble in troubles if trouble)
    unsettled, waiting = account["unsettled"], account["waiting"]
    busy = account["busy_s"]
    return (
        f'<section><div class="row"><h2>{_text(name)}</h2><span class="dim">{_text(account["terminal"])}</span>'
        f"{_pill(account['state'] or 'no journal', _BAD)}{_why(account['state'], book['account'])}</div>{notes}"
        + _facts(
            ("Worker", _text(account["status"]), _COLOURS.get(account["status"], "")),
            ("Process", _text(account["process"] or "none"), ""),
            ("Since", _moment(account["since"]), ""),
            ("Restarts", _count(account["restarts"]), _WARN if account["restarts"] else ""),
            ("Terminal's trade server", *_connection(told)),
            ("Working on a call for", "idle" if busy is None else _seconds(busy), _WARN if (busy or 0) > 1 else ""),
            ("Calls waiting", _count(waiting), ""),
            ("Calls turned away", _count(account["turned_away"]), _WARN if account["turned_away"] else ""),
            ("Fate unknown", _count(unsettled), _BAD if unsettled else ""),
            ("Active guards", _count(account["guards"]), ""),
            ("Flattening", *(("under way", _WARN) if account.get("flattening") else ("no", ""))),
            ("Journal", f"{book['bytes'] / 1e6:,.2f} MB", ""),
        )
        + '<div class="parts">'
        + _part("Orders in the journal", _pairs("state", book["orders"] or {}))
        + _part("Refused by the gate", _pairs("rule", told.refusals))
        + _part("Outcomes", _pairs("outcome", _outcomes(told)))
        + _part("order_send", _timing(told.order_send))
        + "</div></section>"
    )


def _why(state: Any, account: Mapping[str, Any] | None) -> str:
    """Who stopped the account and why; that it trades needs no reason."""
    if account is None or state == "active":
        return ""
    by, since = _text(account["by"]), _moment(account["changed_at"])
    return f'<span class="dim">{_text(account["reason"])} ({by}, {since})</span>'


def _connection(told: AccountFigures) -> tuple[str, str]:
    if told.connected is None:
        return "not known yet", _DIM
    ago = _span(time.monotonic() - told.looked_at)
    return (f"connected, {ago} ago", _GOOD) if told.connected else (f"no connection, {ago} ago", _BAD)


def _outcomes(told: AccountFigures) -> dict[str, int]:
    return {f"{status} ({why})" if why else status: count for (status, why), count in sorted(told.outcomes.items())}


def _calls(figures: Figures) -> str:
    rows = []
    for method, histogram in figures.latency.items():
        ended = {outcome: count for (name, outcome), count in figures.calls.items() if name == method}
        failed = ", ".join(f"{name} {count:,}" for name, count in sorted(ended.items()) if name != "ok")
        rows.append(
            f'<tr><td>{_text(method)}</td><td class="n">{_count(histogram.count)}</td>'
            f'<td class="n">{_bound(histogram.at_most(0.5))}</td><td class="n">{_bound(histogram.at_most(0.99))}</td>'
            f"<td>{_bars(histogram)}</td><td>{_text(failed)}</td></tr>"
        )
    body = "".join(rows) or '<tr><td class="dim" colspan="6">none yet</td></tr>'
    return (
        '<section><h2>Calls by method</h2><div class="wide"><table><thead><tr><th>method</th><th class="n">calls</th>'
        '<th class="n">half within</th><th class="n">99 % within</th>'
        f"<th>{_bound(BUCKETS_S[0])} … over {_bound(BUCKETS_S[-1])}</th><th>errors</th></tr></thead>"
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _timing(histogram: Histogram) -> str:
    if not histogram.count:
        return '<p class="dim">none yet</p>'
    return (
        f"{_bars(histogram)}<p>{_count(histogram.count)} sent; half within {_bound(histogram.at_most(0.5))}, "
        f"99 % within {_bound(histogram.at_most(0.99))}</p>"
    )


def _bars(histogram: Histogram) -> str:
    """One bar a bucket, by the logarithm: a single slow call must show beside a million fast ones."""
    tallest = math.log1p(max(histogram.counts))
    bars = []
    for number, count in enumerate(histogram.counts):
        height = round(20 * math.log1p(count) / tallest) + 2 if count else 1
        kind = "" if count else ' class="none"'
        bars.append(f'<rect{kind} x="{number * 9}" y="{24 - height}" width="7" height="{height}"></rect>')
    told = f"latency histogram, {histogram.count} calls"
    return f'<svg width="{9 * len(bars)}" height="24" role="img" aria-label="{told}">{"".join(bars)}</svg>'


def _pairs(what: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return '<p class="dim">none</p>'
    rows = "".join(
        f'<tr><td>{_text(name)}</td><td class="n">{_count(count)}</td></tr>' for name, count in counts.items()
    )
    return f'<table><thead><tr><th>{what}</th><th class="n">count</th></tr></thead><tbody>{rows}</tbody></table>'


def _part(title: str, body: str) -> str:
    return f'<div class="wide"><h3>{title}</h3>{body}</div>'


def _facts(*facts: tuple[str, str, str]) -> str:
    return '<dl class="facts">' + "".join(_fact(*fact) for fact in facts) + "</dl>"


def _fact(name: str, value: str, colour: str) -> str:
    return f'<div><dt>{name}</dt><dd class="{colour}">{value}</dd></div>'


def _pill(text: Any, otherwise: str = "") -> str:
    return f'<span class="pill {_COLOURS.get(str(text), otherwise)}">{_text(text)}</span>'


def _text(value: Any) -> str:
    return escape(str(value))


def _count(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def _moment(text: Any) -> str:
    return _text(str(text)[:19].replace("T", " "))


def _bound(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"over {_seconds(BUCKETS_S[-1])}" if math.isinf(seconds) else _seconds(seconds)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def _span(seconds: float) -> str:
    units: Iterable[tuple[str, int]] = (("d", 86_400), ("h", 3_600), ("min", 60))
    for unit, length in units:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
