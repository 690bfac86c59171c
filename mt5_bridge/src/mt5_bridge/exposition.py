"""The bridge's figures as Prometheus reads them: text format 0.0.4."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mt5_bridge.metrics import BUCKETS_S, AccountFigures, Figures, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "tradeloom_bridge_"
_ACCOUNT_STATES = ("active", "reducing", "halted")

type _Sample = tuple[Mapping[str, str], float]


def exposition(health: Mapping[str, Any], figures: Figures, books: Mapping[str, Mapping[str, Any]]) -> str:
    """`health` is the front's answer to `health`; `books` holds each account's `orders` by state and `bytes`."""
    text = _Text()
    text.add("info", "gauge", "Version of bridge and protocol.", [(_build(health), 1)])
    text.add("up", "gauge", "1 while every account can trade, 0 otherwise.", [({}, health["status"] == "ok")])
    text.add("uptime_seconds", "gauge", "Since the bridge was started.", [({}, health["uptime_s"])])
    text.add("calls_under_way", "gauge", "Calls being answered.", [({}, health["under_way"])])
    text.add("connections", "gauge", "Connections on the trading port.", [({}, health["connections"]["open"])])
    text.add(
        "connections_refused_total",
        "counter",
        "Connections that got no further than the handshake, or were one too many.",
        [({"why": why}, health["connections"][why]) for why in ("handshake", "too_many")],
    )
    calls = [({"method": method, "outcome": outcome}, count) for (method, outcome), count in figures.calls.items()]
    text.add("calls_total", "counter", "Calls by method and outcome.", calls)
    text.add_histogram(
        "call_seconds",
        "How long calls took.",
        [({"method": method}, histogram) for method, histogram in figures.latency.items()],
    )
    _add_accounts(text, health["accounts"], books)
    _add_trading(text, figures.accounts)
    return text.render()


def _build(health: Mapping[str, Any]) -> dict[str, str]:
    return {"version": str(health["version"]), "protocol": str(health["protocol"])}


def _add_accounts(text: "_Text", accounts: Mapping[str, Any], books: Mapping[str, Mapping[str, Any]]) -> None:
    def each(field: str) -> list[_Sample]:
        return [({"account": name}, account[field]) for name, account in accounts.items() if account[field] is not None]

    text.add(
        "worker_ready",
        "gauge",
        "1 while the account's worker answers.",
        [({"account": name}, account["status"] == "ready") for name, account in accounts.items()],
    )
    text.add("worker_restarts_total", "counter", "Workers that were replaced.", each("restarts"))
    text.add("calls_waiting", "gauge", "Calls at or before the account's worker.", each("waiting"))
    text.add("busy_total", "counter", "Calls turned away because too many were waiting.", each("turned_away"))
    text.add("orders_unsettled", "gauge", "Orders nobody knows the fate of.", each("unsettled"))
    text.add("guards_active", "gauge", "Guards at work.", each("guards"))
    text.add(
        "account_state",
        "gauge",
        "1 for the state the account is in.",
        [
            ({"account": name, "state": state}, account["state"] == state)
            for name, account in accounts.items()
            if account["state"] is not None
            for state in _ACCOUNT_STATES
        ],
    )
    text.add(
        "orders",
        "gauge",
        "Orders in the journal by state.",
        [
            ({"account": name, "state": str(state)}, count)
            for name, book in books.items()
            for state, count in (book["orders"] or {}).items()
        ],
    )
    text.add(
        "journal_bytes",
        "gauge",
        "Size of the account's journal with what is not merged yet.",
        [({"account": name}, book["bytes"]) for name, book in books.items()],
    )


def _add_trading(text: "_Text", accounts: Mapping[str, AccountFigures]) -> None:
    text.add(
        "terminal_connected",
        "gauge",
        "1 while the terminal has its trade server, as last seen.",
        [({"account": name}, told.connected) for name, told in accounts.items() if told.connected is not None],
    )
    text.add(
        "order_outcomes_total",
        "counter",
        "Orders by outcome and reason; a repeated id is counted once.",
        [
            ({"account": name, "status": status, "reason": reason}, count)
            for name, told in accounts.items()
            for (status, reason), count in told.outcomes.items()
        ],
    )
    text.add(
        "gate_refusals_total",
        "counter",
        "What the risk gate refused, by rule.",
        [
            ({"account": name, "rule": rule}, count)
            for name, told in accounts.items()
            for rule, count in told.refusals.items()
        ],
    )
    text.add_histogram(
        "order_send_seconds",
        "How long order_send took.",
        [({"account": name}, told.order_send) for name, told in accounts.items()],
    )


class _Text:
    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: str, help_text: str, samples: Iterable[_Sample]) -> None:
        self._lines += [f"# HELP {_PREFIX}{name} {help_text}", f"# TYPE {_PREFIX}{name} {kind}"]
        self._lines += [_line(name, labels, value) for labels, value in samples]

    def add_histogram(self, name: str, help_text: str, series: Iterable[tuple[Mapping[str, str], Histogram]]) -> None:
        self.add(name, "histogram", help_text, ())
        for labels, histogram in series:
            seen = 0
            for bound, count in zip((*BUCKETS_S, math.inf), histogram.counts, strict=True):
                seen += count
                self._lines.append(_line(f"{name}_bucket", {**labels, "le": _number(bound)}, seen))
            self._lines.append(_line(f"{name}_sum", labels, histogram.sum_s))
            self._lines.append(_line(f"{name}_count", labels, seen))

    def render(self) -> str:
        return "\n".join(self._lines) + "\n"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{_PREFIX}{name}{{{inside}}} {_number(value)}" if inside else f"{_PREFIX}{name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
