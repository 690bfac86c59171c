"""One intent, one fill: the real node, client, worker and journal, where line and terminal do anything they can."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.exam import sized
from tests.support.node_context import FakeContext
from tests.unit.mt5_bridge.fake_terminal import Bench, Script, answer, fill, nothing
from tradeloom.errors import BrokerUnavailable, TradeloomError
from tradeloom.nodes.order.market import MarketOrder, MarketOrderConfig
from tradeloom.trading.intents import MAX_RESENDS
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import CallLost

BUY = MarketOrderConfig(symbol="EURUSD", side="buy", volume=0.1)
CALLS = ("sound", "sound", "answer lost", "call lost", "unreachable", "worker dies")
TERMINAL: dict[str, Script] = {
    "fills": fill(),
    "fills in part": fill(0.04),
    "fills in silence": nothing(-10005, "IPC timeout", executed=True),
    "drops it in silence": nothing(-10005, "IPC timeout"),
    "times out": answer(10012, "timeout"),
    "requotes": answer(10004, "requote"),
    "rejects": answer(10006, "rejected"),
    "is busy": answer(10024, "too many requests"),
    "is not connected": nothing(-10003, "no connection"),
}


class Line:
    """Straight into the worker, with what a line may do in the order given; sound once that is used up."""

    def __init__(self, bench: Bench, mishaps: Sequence[str]) -> None:
        self.bench = bench
        self.mishaps = list(mishaps)
        self.now = 0.0

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.now += 0.01
        mishap = self.mishaps.pop(0) if self.mishaps else "sound"
        if mishap == "unreachable":
            raise BrokerUnavailable("down")
        if mishap == "call lost":
            raise CallLost("lost")
        content = self.bench.worker.handle(method, payload)
        if mishap == "worker dies" or self.bench.worker.recycle:
            self.bench.restart()
        if mishap in ("answer lost", "worker dies"):
            raise CallLost("lost")
        return content

    def close(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        self.now += seconds


@example(mishaps=[], terminal=["drops it in silence"] * 2, runs=1, real_money=False)
@example(mishaps=["sound", "worker dies"], terminal=["fills in silence"], runs=2, real_money=True)
@given(
    mishaps=st.lists(st.sampled_from(CALLS), max_size=24),
    terminal=st.lists(st.sampled_from(sorted(TERMINAL)), max_size=8),
    runs=st.integers(1, 4),
    real_money=st.booleans(),
)
@settings(max_examples=sized(60, 2_000), deadline=None)
def test_one_fill_at_most_and_the_node_tells_the_truth(
    mishaps: list[str], terminal: list[str], runs: int, real_money: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), live_trading=True)
        try:
            _trade(bench, mishaps, terminal, runs, real_money=real_money)
        finally:
            bench.close()


def _trade(bench: Bench, mishaps: list[str], terminal: list[str], runs: int, *, real_money: bool) -> None:
    bench.terminal.account.trade_mode = 2 if real_money else 0
    bench.terminal.script = [TERMINAL[name] for name in terminal]
    line = Line(bench, mishaps)
    client = BridgeClient(transport=line, clock=lambda: line.now, pause=line.pause)
    brokers: Any = {"acc": client.account("acc")}
    context = FakeContext(account="acc", brokers=brokers)
    output = None
    for _ in range(runs):
        try:
            output = MarketOrder().run(BUY, context)
        except TradeloomError:
            output = None
    filled = {deal.order for deal in bench.terminal.deals}
    assert len(filled) <= 1
    magics = {request["magic"] for request in bench.terminal.sent}
    assert len(magics) <= (1 if real_money else 1 + MAX_RESENDS)
    if output is not None:
        assert filled == {output.order}
