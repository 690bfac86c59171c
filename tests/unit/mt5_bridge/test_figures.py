"""What the bridge counts: the worker's tally, the front's metrics, and how Prometheus and a person see them."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge import status_page, tally
from mt5_bridge.exposition import exposition
from mt5_bridge.metrics import BUCKETS_S, Histogram, Metrics
from mt5_bridge.tally import Tally

SECONDS = st.floats(min_value=0, max_value=100)


class TestTally:
    def test_it_hands_over_what_was_counted_once(self) -> None:
        counted = Tally()
        with counted.sending():
            pass
        with pytest.raises(OSError, match="broken"), counted.sending():
            raise OSError("broken")
        counted.decided("done", None)
        counted.decided("rejected", "risk")
        counted.refused("max_lot")
        counted.connected = True
        read = tally.read(counted.take())
        assert len(read.sent_s) == 2
        assert read.outcomes == {("done", ""): 1, ("rejected", "risk"): 1}
        assert read.refusals == {"max_lot": 1}
        assert read.connected is True
        assert counted.take() == b""
        assert tally.read(b"") == Tally()

    def test_a_burst_stays_within_what_the_pipe_tells_the_length_of(self) -> None:
        counted = Tally()
        for _ in range(5_000):
            with counted.sending():
                pass
        assert len(counted.take()) < 2**16

    @given(st.binary() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner)
           | st.dictionaries(st.sampled_from(["sent_s", "outcomes", "refusals", "connected"]), inner)
           ).map(lambda value: json.dumps(value).encode()))  # fmt: skip
    def test_anything_else_is_no_tally(self, told: bytes) -> None:
        metrics = Metrics()
        metrics.told("acc", told)
        assert exposition(health(), metrics.figures(), BOOKS)


class TestHistogram:
    @given(st.lists(SECONDS, min_size=1), st.floats(min_value=0.01, max_value=1))
    def test_a_share_lies_within_its_bound(self, seen: list[float], share: float) -> None:
        histogram = Histogram()
        for seconds in seen:
            histogram.observe(seconds)
        bound = histogram.at_most(share)
        assert bound is not None
        within = sum(seconds <= bound for seconds in seen)
        assert within >= share * len(seen) - 1e-9
        smaller = [each for each in BUCKETS_S if each < bound]
        if smaller:
            assert sum(seconds <= smaller[-1] for seconds in seen) < share * len(seen) + 1e-9
        assert histogram.count == len(seen)
        assert histogram.sum_s == pytest.approx(sum(seen))

    def test_nothing_has_no_bound(self) -> None:
        assert Histogram().at_most(0.5) is None


def health(**changes: Any) -> dict[str, Any]:
    account = {
        "terminal": "paper", "status": "ready", "since": "2026-11-25T21:00:00+00:00", "restarts": 1, "trouble": None,
        "process": 7, "busy_s": 0.5, "waiting": 2, "turned_away": 3, "guards": 4, "guards_file": "ok",
        "state": "active", "unsettled": 5, "journal": "ok",
    }  # fmt: skip
    return {
        "status": "ok", "protocol": 1, "version": "0.1.0", "time": 1.8e9, "uptime_s": 4000.5, "calls": 10, "errors": 2,
        "busy": 1, "under_way": 1, "connections": {"open": 1, "handshake": 2, "too_many": 3},
        "accounts": {"acc": account | changes},
    }  # fmt: skip


BOOKS: dict[str, dict[str, Any]] = {
    "acc": {
        "orders": {"done": 3, "unknown": 5},
        "bytes": 4096,
        "account": {"reason": "first start", "by": "bridge", "changed_at": "2026-11-25T21:00:00Z"},
    }
}


def counted() -> Metrics:
    metrics = Metrics()
    metrics.called("send", "ok", 0.003)
    metrics.called("send", "BrokerUnavailable", 20)
    metrics.called({"made": "up"}, "InvalidInput", 0.0001)
    metrics.called("no_such_method", "InvalidInput", 0.0001)
    worker = Tally(
        sent_s=[0.002], outcomes=Counter({("done", ""): 1}), refusals=Counter({"max_lot": 2}), connected=False
    )
    metrics.told("acc", worker.take())
    metrics.told("acc", b"nonsense")
    return metrics


LINE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*)\})? '
    r"(?P<value>\+Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)"
)


def samples(text: str) -> dict[str, float]:
    """Reads the text format strictly: every line a comment or a sample, each sample once, after its type."""
    found: dict[str, float] = {}
    typed: set[str] = set()
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            name = line.split(" ")[2]
            assert name not in typed
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            base = re.sub(r"_(bucket|sum|count)$", "", match["name"])
            assert match["name"] in typed or base in typed, line
            key, _, value = line.rpartition(" ")
            assert key not in found, line
            found[key.removeprefix("tradeloom_bridge_")] = float(value)
    return found


class TestExposition:
    def test_the_figures(self) -> None:
        told = samples(exposition(health(), counted().figures(), BOOKS))
        assert told['calls_total{method="send",outcome="BrokerUnavailable"}'] == 1
        assert told['calls_total{method="other",outcome="InvalidInput"}'] == 2  # nothing a peer made up is a label
        assert told['call_seconds_bucket{method="send",le="0.0025"}'] == 0
        assert told['call_seconds_bucket{method="send",le="0.005"}'] == 1
        assert told['call_seconds_bucket{method="send",le="10"}'] == 1
        assert told['call_seconds_bucket{method="send",le="+Inf"}'] == 2
        assert told['call_seconds_count{method="send"}'] == 2
        assert told['order_send_seconds_count{account="acc"}'] == 1
        assert told['gate_refusals_total{account="acc",rule="max_lot"}'] == 2
        assert told['order_outcomes_total{account="acc",status="done",reason=""}'] == 1
        assert told['terminal_connected{account="acc"}'] == 0
        assert told['orders{account="acc",state="unknown"}'] == 5
        assert told['orders_unsettled{account="acc"}'] == 5
        assert told['worker_restarts_total{account="acc"}'] == 1
        assert told['busy_total{account="acc"}'] == 3
        assert told['account_state{account="acc",state="active"}'] == 1
        assert told['account_state{account="acc",state="halted"}'] == 0
        assert told['connections_refused_total{why="handshake"}'] == 2
        assert told["up"] == 1

    def test_a_journal_that_cannot_be_read_leaves_gaps_not_zeros(self) -> None:
        broken = health(state=None, unsettled=None, journal="damaged", guards=None, guards_file="damaged")
        told = samples(exposition(broken, Metrics().figures(), {"acc": {"orders": None, "bytes": 0, "account": None}}))
        assert not any(name.startswith(("orders", "account_state", "guards_active")) for name in told)

    @given(st.text())
    def test_any_label_is_escaped(self, text: str) -> None:
        metrics = Metrics()
        metrics.told("acc", Tally(refusals=Counter({text: 1})).take())
        metrics.told("acc", Tally(outcomes=Counter({(text, text): 1})).take())
        samples(exposition(health(), metrics.figures(), BOOKS))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        assert not any(name.startswith("on") or name in ("style", "href", "src") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def tags(page: str) -> Tags:
    found = Tags()
    found.feed(page)
    return found


class TestPage:
    def test_it_tells_what_matters(self) -> None:
        text = tags(status_page.page(health(), counted().figures(), BOOKS)).text
        for told in (
            "acc",
            "active",
            "max_lot",
            "no connection",
            "BrokerUnavailable 1",
            "unknown",
            "1.1 h",
            "over 10 s",
        ):
            assert told in text

    def test_an_account_without_journal_is_shown(self) -> None:
        broken = health(state=None, unsettled=None, journal="the order journal is damaged", status="down", process=None)
        page = status_page.page(broken, Metrics().figures(), {"acc": {"orders": None, "bytes": 0, "account": None}})
        assert "the order journal is damaged" in tags(page).text
        assert "no journal" in tags(page).text

    @given(st.text(min_size=1))
    def test_whatever_comes_from_outside_stays_text(self, text: str) -> None:
        hostile = f"</p><script>{text}</script><img src=x onerror=alert(1)>"
        metrics = Metrics()
        metrics.told("acc", Tally(refusals=Counter({hostile: 1}), outcomes=Counter({(hostile, hostile): 1})).take())
        account = {"reason": hostile, "by": hostile, "changed_at": hostile}
        told = health(trouble=hostile, state="halted", since=hostile, terminal=hostile) | {"version": hostile}
        books = {"acc": {"orders": {hostile: 1}, "bytes": 1, "account": account}}
        found = tags(status_page.page(told, metrics.figures(), books))
        assert found.seen["script"] == found.seen["img"] == 0
