"""Scripts on a paper terminal, all in one process: the real session, desk, worker, gate and journal.

Only the front between desk and worker is a stand-in, so that a test can lose its answers.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.compat import reads
from mt5_bridge.compat.desk import ScriptDesk
from mt5_bridge.compat.objects import Struct
from mt5_bridge.compat.session import ScriptSession
from mt5_bridge.compat.store import ScriptStore
from mt5_bridge.config import AccountConfig
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from mt5_bridge.paper.connection import ConnectionCalls
from mt5_bridge.paper.market_calls import MarketCalls
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.paper.session import Session
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.trade_calls import TradeCalls
from mt5_bridge.server_time import ServerZone
from tests.unit.mt5_bridge.fake_terminal import LIMITS, FakeClock
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading import protocol
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.methods import SendParams

START = datetime(2024, 1, 8, 12, tzinfo=UTC)
LOGIN = 5_001_001
MAGIC, COMMENT = 777, "my script"


class PaperModule:
    """The package's functions on a paper terminal of a test's own. `calls` names those that were made."""

    def __init__(self, directory: Path) -> None:
        session = Session()
        session.terminal = PaperTerminal(directory)
        self.terminal = session.terminal
        self.calls: list[str] = []
        self._parts = (ConnectionCalls(session), MarketCalls(session), TradeCalls(session))

    def __getattr__(self, name: str) -> Any:
        for part in self._parts:
            if hasattr(type(part), name):
                self.calls.append(name)
                return getattr(part, name)
        raise AttributeError(name)


class Line:
    """Stands for the front. `lose` is how the next `send` goes wrong: its answer is lost though it was carried out, or
    it never arrives. `hold` is waited for before the next one is answered."""

    def __init__(self, worker: AccountWorker) -> None:
        self.worker = worker
        self.lose: list[str] = []
        self.hold: Callable[[], None] | None = None
        self.sent: list[str] = []

    def call(self, version: Any, method: Any, request_id: Any, deadline: Any, payload: Any) -> bytes:
        assert version == protocol.VERSION
        assert deadline > time.time()
        if method != "send":
            return self.worker.handle(method, payload)
        params = protocol.decode_request("send", payload).params
        assert isinstance(params, SendParams)
        order_id = params.intent.client_order_id
        self.sent.append(order_id)
        how = self.lose.pop(0) if self.lose else ""
        if how == "never arrives":
            return protocol.encode_error(BrokerUnavailable("the account's worker stopped; nothing was sent"))
        answer = self.worker.handle(method, payload)
        hold, self.hold = self.hold, None
        if hold is not None:
            hold()
        if how == "unknown":
            lost = OrderOutcome(client_order_id=order_id, status=OutcomeStatus.UNKNOWN, message="lost")
            return protocol.encode_answer(lost.model_dump(mode="json"))
        return answer

    def read_terminal(self, account: str, payload: bytes, timeout_s: float) -> bytes:
        assert account == "acc"
        return self.worker.handle(reads.METHOD, payload)


class Stage:
    """`mode` is the account's margin mode; `wall` the clock answers are aged by."""

    def __init__(self, directory: Path, mode: Any = "hedging", bars: Sequence[float] = (1.1,) * 48) -> None:
        directory.mkdir(parents=True)
        csv = directory / "bars.csv"
        times = [(START + timedelta(hours=number - 12)).isoformat() for number in range(len(bars))]
        rows = [",".join([time, *[f"{price:.5f}"] * 4, "100"]) for time, price in zip(times, bars, strict=True)]
        csv.write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
        write_sample_terminal(directory / "terminal", start=START, csv=csv, login=LOGIN, margin_mode=mode)
        self.module = PaperModule(directory / "terminal")
        self.clock = FakeClock()
        self.clock.time = START
        self.wall = datetime(2026, 1, 1, tzinfo=UTC)
        settings = AccountConfig(
            name="acc",
            terminal="paper",
            terminal_path=directory / "terminal",
            login=LOGIN,
            server_time_zone="UTC",
            limits=LIMITS,
            history_horizon_s=0.0,
        )
        self.journal = Journal(directory / "journal.sqlite3")
        self.journal.set_limits(LIMITS)
        self._guards = GuardStore(directory / "guards.sqlite3")
        self.worker = AccountWorker(
            settings, self.module, self.clock, lambda: self.journal, lambda: self._guards, lambda _s: None
        )
        self.line = Line(self.worker)
        self.store = ScriptStore(directory / "scripts.sqlite3", lambda: self.wall)
        self.desk = ScriptDesk(self.line, lambda: self.store, "acc", ServerZone("UTC"), lambda _s: None)

    def script(self, present: bool = True) -> "Script":
        return Script(ScriptSession(self.desk, lambda: present))

    @property
    def deals(self) -> list[Any]:
        """What really happened at the broker, the deposit left out."""
        return [deal for deal in self.module.history_deals_get(0, 2**40) if deal.order]

    def close(self) -> None:
        for file in (self.journal, self._guards, self.store):
            file.close()
        self.module.terminal.close()


class Script:
    """Calls as the client of 1.0.11 writes them. `hears` says that what it is told arrives."""

    def __init__(self, session: ScriptSession, hears: bool = True) -> None:
        self.session = session
        self.hears = hears
        assert self.call("initialize") is True

    def call(self, function: str, *arguments: Any, **options: Any) -> Any:
        return self.session.evaluate(f"mt5.{function}(*{arguments},**{options})")

    @property
    def error(self) -> Any:
        return self.call("last_error")

    def order(self, **changes: Any) -> Any:
        """A market buy of 0.1 lots, or what the changes make of it."""
        request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "deviation": 20}
        result = self.call("order_send", request | {"magic": MAGIC, "comment": COMMENT} | changes)
        if isinstance(result, Struct) and self.hears:
            result.received()
        return result


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(**settings: Any) -> Stage:
        made.append(Stage(tmp_path / str(len(made)), **settings))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


@pytest.fixture
def script(stage: Stage) -> Script:
    return stage.script()
