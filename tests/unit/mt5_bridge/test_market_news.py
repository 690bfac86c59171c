"""News of the market from the terminal to whoever waits at the front."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mt5_bridge.market_board import MOST_WATCHED, MarketBoard
from mt5_bridge.market_scout import MarketScout
from tests.unit.mt5_bridge.fake_terminal import FakeTerminal
from tradeloom.errors import BrokerUnavailable, InvalidInput
from tradeloom.trading.methods import MarketClock, MarketWaitParams

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
PATIENCE_S = 60.0


def news(*symbols: str, orders: bool = False) -> bytes:
    return json.dumps([list(symbols), orders]).encode()


def asked(*symbols: str, after: str | None = None) -> MarketWaitParams:
    return MarketWaitParams(symbols=symbols, after=after)


def at_once() -> float:
    return time.monotonic()


class TestBoard:
    def test_without_a_cursor_anything_may_have_happened(self) -> None:
        assert MarketBoard().wait(asked("EURUSD"), at_once()).unsure

    def test_news_are_told_to_whom_they_concern_and_once(self) -> None:
        board = MarketBoard()
        cursor = board.wait(asked("EURUSD"), at_once()).cursor
        board.hear(news("GBPUSD"))
        other = board.wait(asked("EURUSD", after=cursor), at_once())
        assert (other.symbols, other.orders, other.unsure) == ((), False, False)
        board.hear(news("EURUSD", orders=True))
        told = board.wait(asked("EURUSD", "GBPUSD", after=cursor), at_once())
        assert (told.symbols, told.orders) == (("EURUSD", "GBPUSD"), True)
        assert board.wait(asked("EURUSD", after=told.cursor), at_once()).symbols == ()

    def test_whoever_waits_is_woken(self) -> None:
        board = MarketBoard()
        cursor = board.wait(asked("EURUSD"), at_once()).cursor
        found: list[Any] = []
        params = asked("EURUSD", after=cursor)
        waiting = threading.Thread(target=lambda: found.append(board.wait(params, at_once() + PATIENCE_S)))
        waiting.start()
        board.hear(news("EURUSD"))
        waiting.join(PATIENCE_S)
        assert found[0].symbols == ("EURUSD",)

    def test_a_worker_that_is_replaced_makes_everything_unsure_and_is_told_anew(self) -> None:
        board = MarketBoard()
        watched = board.wanted(["EURUSD"])
        assert watched == frozenset({"EURUSD"})
        board.watching(watched, board.epoch)
        assert board.wanted(["EURUSD"]) is None
        cursor = board.wait(asked("EURUSD"), at_once()).cursor
        before = board.epoch
        board.hear(None)
        assert board.wait(asked("EURUSD", after=cursor), at_once() + PATIENCE_S).unsure
        board.watching(watched, before)  # told to the one that is gone
        assert board.wanted(["EURUSD"]) == frozenset({"EURUSD"})

    def test_another_symbol_is_told_and_too_many_are_refused(self) -> None:
        board = MarketBoard()
        board.watching(frozenset({"EURUSD"}), board.epoch)
        assert board.wanted(["GBPUSD", "EURUSD"]) == frozenset({"EURUSD", "GBPUSD"})
        with pytest.raises(BrokerUnavailable):
            board.wanted(f"S{number}" for number in range(MOST_WATCHED + 1))

    def test_a_bridge_that_stops_keeps_nobody_waiting(self) -> None:
        board = MarketBoard()
        cursor = board.wait(asked("EURUSD"), at_once()).cursor
        board.close()
        with pytest.raises(BrokerUnavailable):
            board.wait(asked("EURUSD", after=cursor), at_once() + PATIENCE_S)

    @pytest.mark.parametrize("cursor", ["", ":", "x:-1", "x:1e9", "x", "x:²"])
    def test_a_cursor_that_is_none_is_as_good_as_none(self, cursor: str) -> None:
        assert MarketBoard().wait(asked("EURUSD", after=cursor), at_once()).unsure


class Clock:
    """A replay's, as far as the scout asks it."""

    def __init__(self, speed: float = 0.0) -> None:
        self.time, self.speed, self.next = NOW, speed, NOW + timedelta(hours=1)

    def reading(self) -> MarketClock:
        return MarketClock(time=self.time, speed=self.speed, paper=True)

    def next_event_time(self) -> datetime | None:
        return self.next

    def is_held(self) -> bool:
        return False


class Scene:
    def __init__(self, *, paper: bool, speed: float = 0.0) -> None:
        self.terminal = FakeTerminal()
        self.clock = Clock(speed)
        self.wall = 0.0
        self.told: list[Any] = []
        clock: Any = self.clock
        self.scout = MarketScout(self.terminal, clock, paper=paper, interval_s=0.01, monotonic=lambda: self.wall)
        self.scout.tell = lambda message: self.told.append(json.loads(message))

    def quote(self, bid: float, msc: int) -> None:
        self.terminal.quote = SimpleNamespace(time_msc=msc, bid=bid, ask=bid + 0.0002, last=0.0)


class TestScout:
    def test_nobody_waits_and_nothing_is_asked(self) -> None:
        scene = Scene(paper=False)
        scene.terminal.symbol_info_tick = None  # type: ignore[assignment, method-assign]
        scene.scout.look_if_due()
        scene.scout.orders_changed()
        assert scene.scout.patience_s() is None
        assert scene.told == []

    def test_a_live_quote_is_news_once_and_looked_for_no_oftener_than_asked(self) -> None:
        scene = Scene(paper=False)
        scene.quote(1.1, 1_000)
        scene.scout.watch(b'["EURUSD"]')
        scene.scout.look_if_due()
        assert scene.told == []
        scene.quote(1.1, 2_000)
        scene.scout.look_if_due()
        assert scene.told == []
        assert scene.scout.patience_s() == pytest.approx(0.01)
        scene.wall += 0.01
        scene.scout.look_if_due()
        scene.wall += 0.01
        scene.scout.look_if_due()
        assert scene.told == [[["EURUSD"], False]]

    def test_a_symbol_that_is_not_there_keeps_no_other_from_being_watched(self) -> None:
        scene = Scene(paper=False)
        quotes = {"EURUSD": SimpleNamespace(time_msc=1, bid=1.1, ask=1.2, last=0.0)}
        scene.terminal.symbol_info_tick = quotes.get  # type: ignore[method-assign]
        scene.terminal.error = (-4, "Terminal: Not found")
        scene.scout.watch(b'["EURUSD", "NOSUCH"]')
        quotes["EURUSD"] = SimpleNamespace(time_msc=2, bid=1.1, ask=1.2, last=0.0)
        scene.scout.look_if_due()
        assert scene.told == [[["EURUSD"], False]]

    def test_a_terminal_that_cannot_be_asked_is_asked_again_later(self) -> None:
        scene = Scene(paper=False)
        scene.quote(1.1, 1)
        scene.scout.watch(b'["EURUSD"]')
        scene.terminal.quote, scene.terminal.error = None, (-10004, "No IPC connection")
        scene.scout.look_if_due()
        assert scene.scout.pipe_broken

    def test_a_replay_tells_each_event_when_it_has_passed(self) -> None:
        scene = Scene(paper=True)
        scene.quote(1.1, 1)
        scene.scout.watch(b'["EURUSD"]')
        scene.scout.look_if_due()
        assert scene.told == []
        assert scene.scout.patience_s() is None
        scene.clock.next += timedelta(hours=1)
        scene.scout.look_if_due()
        scene.scout.look_if_due()
        assert scene.told == [[["EURUSD"], True]]

    def test_a_running_replay_is_waited_for_until_its_event(self) -> None:
        scene = Scene(paper=True, speed=36_000)
        scene.quote(1.1, 1)
        scene.scout.watch(b'["EURUSD"]')
        assert scene.scout.patience_s() == pytest.approx(0.1)

    def test_orders_are_news_to_those_that_wait_for_no_symbol(self) -> None:
        scene = Scene(paper=False)
        scene.scout.watch(b"[]")
        scene.scout.orders_changed()
        assert scene.told == [[[], True]]
        assert scene.scout.patience_s() is None

    def test_what_is_no_list_of_names_is_refused(self) -> None:
        with pytest.raises(InvalidInput):
            Scene(paper=False).scout.watch(b'{"EURUSD": 1}')
