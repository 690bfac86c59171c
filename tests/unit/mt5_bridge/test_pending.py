"""Pending orders: placed once, found again, and followed to what became of them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge import constants as mt5
from mt5_bridge.journal import OrderState
from mt5_bridge.pending import build_pending_request
from mt5_bridge.preparation import Leg, Quote, SymbolRules, Unsendable
from mt5_bridge.server_time import ServerZone
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    FakeTerminal,
    answer,
    make_deal,
    make_symbol_info,
    make_tick,
    nothing,
    pending,
)
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.intents import Expiry, OutcomeStatus, PendingType, Side
from tradeloom.trading.risk import AccountState

MakeBench = Callable[..., Bench]
PLACED, UNKNOWN, REJECTED = OutcomeStatus.PLACED, OutcomeStatus.UNKNOWN, OutcomeStatus.REJECTED
LIMIT, STOP, STOP_LIMIT = PendingType.LIMIT, PendingType.STOP, PendingType.STOP_LIMIT
QUOTE = Quote(Decimal("1.10000"), Decimal("1.10010"))


def request(zone: str = "UTC", symbol: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    exact: dict[str, Any] = {key: Decimal(v) if type(v) is str else v for key, v in changes.items()}
    intent = pending(**exact)
    rules = SymbolRules.of(make_symbol_info(**symbol or {}))
    return build_pending_request(intent, Leg(intent.side, intent.volume, 0), rules, QUOTE, 2, ServerZone(zone))


class TestRequest:
    @pytest.mark.parametrize(
        ("type", "side", "number", "price", "limit"),
        [
            (LIMIT, Side.BUY, 2, "1.09", None),
            (LIMIT, Side.SELL, 3, "1.11", None),
            (STOP, Side.BUY, 4, "1.11", None),
            (STOP, Side.SELL, 5, "1.09", None),
            (STOP_LIMIT, Side.BUY, 6, "1.11", "1.105"),
            (STOP_LIMIT, Side.SELL, 7, "1.09", "1.095"),
        ],
    )
    def test_names_type_and_prices(
        self, type: PendingType, side: Side, number: int, price: str, limit: str | None
    ) -> None:
        made = request(type=type, side=side, price=price, limit_price=limit)
        assert (made["action"], made["type"], made["price"]) == (mt5.TRADE_ACTION_PENDING, number, float(price))
        assert made.get("stoplimit") == (None if limit is None else float(limit))
        for key, value in made.items():
            strings, floats = {"symbol", "comment"}, {"volume", "price", "stoplimit"}
            assert type_of(value) is (str if key in strings else float if key in floats else int), key

    @pytest.mark.parametrize(
        ("type", "side", "price"),
        [
            (LIMIT, Side.BUY, "1.1001"),
            (LIMIT, Side.BUY, "1.2"),
            (LIMIT, Side.SELL, "1.1"),
            (LIMIT, Side.SELL, "1.09"),
            (STOP, Side.BUY, "1.1001"),
            (STOP, Side.BUY, "1.09"),
            (STOP, Side.SELL, "1.1"),
            (STOP, Side.SELL, "1.11"),
        ],
    )
    def test_on_the_wrong_side_of_the_market_is_refused(self, type: PendingType, side: Side, price: str) -> None:
        with pytest.raises(Unsendable, match=r"must be (below|above) the market"):
            request(type=type, side=side, price=price)

    def test_respects_the_stops_level_to_the_point(self) -> None:
        assert request(price="1.10000", symbol={"trade_stops_level": 10})["price"] == 1.1
        with pytest.raises(Unsendable, match="nearer to the market"):
            request(price="1.10001", symbol={"trade_stops_level": 10})

    @pytest.mark.parametrize(("side", "stop", "limit"), [(Side.BUY, "1.11", "1.11"), (Side.SELL, "1.09", "1.089")])
    def test_a_stop_limits_limit_lies_behind_its_stop(self, side: Side, stop: str, limit: str) -> None:
        with pytest.raises(Unsendable, match="stop-limit must be"):
            request(type=STOP_LIMIT, side=side, price=stop, limit_price=limit)

    def test_holds_stops_against_the_orders_own_price(self) -> None:
        """A stop above the order's price would be fine against the market, and close the position as it opens."""
        assert request(price="1.09", stop_loss="1.0899", take_profit="1.0901")["tp"] == 1.0901
        with pytest.raises(Unsendable, match=r"stop loss .* must be below"):
            request(price="1.09", stop_loss="1.095")
        made = request(type=STOP_LIMIT, price="1.12", limit_price="1.11", take_profit="1.115")
        assert made["tp"] == 1.115

    @pytest.mark.parametrize(
        ("zone", "expiry", "at", "type_time", "hours"),
        [
            ("UTC", Expiry.GTC, None, 0, None),
            ("UTC", Expiry.DAY, None, 1, None),
            ("Europe/Athens", Expiry.SPECIFIED, NOW + timedelta(hours=5), 2, 7),
        ],
    )
    def test_expires_by_the_servers_clock(
        self, zone: str, expiry: Expiry, at: Any, type_time: int, hours: int | None
    ) -> None:
        made = request(zone, expiry=expiry, expires_at=at)
        expiration = 0 if hours is None else int((NOW + timedelta(hours=hours)).timestamp())
        assert (made["type_time"], made["expiration"]) == (type_time, expiration)

    @given(
        side=st.sampled_from(Side),
        type=st.sampled_from([LIMIT, STOP]),
        price=st.decimals("0.5", "2", places=7),
        level=st.integers(0, 500),
    )
    def test_is_on_the_grid_and_on_its_side_or_refused(
        self, side: Side, type: PendingType, price: Decimal, level: int
    ) -> None:
        market = QUOTE.entry(side)
        try:
            made = request(type=type, side=side, price=price, symbol={"trade_stops_level": level})
        except Unsendable:
            return
        at = Decimal(repr(made["price"]))
        assert at % Decimal("0.00001") == 0
        below = (type is LIMIT) == (side is Side.BUY)
        distance = market - at if below else at - market
        assert distance > 0
        assert distance >= level * Decimal("0.00001")


def type_of(value: Any) -> Any:
    return type(value)


def test_a_pending_order_rests_and_that_is_its_good_outcome(bench: Bench) -> None:
    intent = pending(stop_loss=Decimal("1.09"), take_profit=Decimal("1.12"))
    outcome = bench.desk.send(intent)
    assert (outcome.status, outcome.order, outcome.retcode) == (PLACED, 501, 10009)
    assert (outcome.order_price, outcome.stop_loss, outcome.take_profit) == (1.0991, 1.09, 1.12)
    assert (outcome.volume, outcome.remainder, outcome.price) == (0, Decimal("0.1"), None)
    (sent,) = bench.terminal.sent
    assert (sent["magic"], sent["type_filling"]) == (intent.magic, mt5.ORDER_FILLING_RETURN)
    again = bench.desk.send(intent)
    assert again.model_copy(update={"retcode": 10009, "message": outcome.message}) == outcome
    assert len(bench.terminal.sent) == 1
    assert bench.journal.undecided() == 0


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (mt5.ORDER_STATE_FILLED, OutcomeStatus.DONE),
        (mt5.ORDER_STATE_CANCELED, OutcomeStatus.CANCELLED),
        (mt5.ORDER_STATE_EXPIRED, OutcomeStatus.EXPIRED),
    ],
)
def test_what_becomes_of_it_is_told_whenever_somebody_asks(bench: Bench, state: int, status: OutcomeStatus) -> None:
    placed = bench.desk.send(pending())
    bench.terminal.leave(placed.order, state)
    outcome = bench.desk.outcome(placed.client_order_id)
    assert (outcome.status, outcome.order, outcome.order_price) == (status, 501, 1.0991)
    assert (outcome.position, outcome.volume) == ((501, Decimal("0.1")) if state == 4 else (None, 0))
    entry = bench.journal.entry(placed.client_order_id)
    assert entry is not None
    assert entry.state is OrderState.DONE
    assert bench.desk.send(pending()) == outcome
    assert len(bench.terminal.sent) == 1


def test_one_that_is_filled_in_part_still_rests_then_ends_partial(bench: Bench) -> None:
    placed = bench.desk.send(pending())
    part = {"magic": pending().magic, "type": 0, "price": 1.0991, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(placed.order, part, 0.04, position=placed.order, entry=0))
    resting = bench.desk.outcome(placed.client_order_id)
    assert (resting.status, resting.volume, resting.remainder) == (PLACED, Decimal("0.04"), Decimal("0.06"))
    assert resting.position == placed.order
    bench.terminal.leave(placed.order, mt5.ORDER_STATE_CANCELED)
    ended = bench.desk.outcome(placed.client_order_id)
    assert (ended.status, ended.reason) == (OutcomeStatus.PARTIAL, "cancelled")
    assert (ended.volume, ended.remainder) == (Decimal("0.04"), Decimal("0.06"))


class TestLostReply:
    def test_of_an_order_that_was_placed_is_found_by_its_magic_number(self, bench: Bench) -> None:
        bench.terminal.script = [nothing(-10005, executed=True)]
        outcome = bench.desk.send(pending())
        assert (outcome.status, outcome.order) == (PLACED, 501)
        assert bench.desk.send(pending()) == outcome
        assert len(bench.terminal.sent) == 1

    def test_of_one_that_was_not_placed_is_unknown_and_given_up_past_the_horizon(self, make_bench: MakeBench) -> None:
        bench = make_bench(history_horizon_s=3600.0)
        bench.terminal.script = [nothing(-10005)]
        assert bench.desk.send(pending()).status is UNKNOWN
        assert bench.desk.send(pending()).status is UNKNOWN
        bench.settings = bench.settings.model_copy(update={"history_horizon_s": 0.0})
        bench.restart()
        assert bench.desk.send(pending()).status is OutcomeStatus.NOT_SENT
        assert len(bench.terminal.sent) == 1

    def test_of_one_filled_before_anybody_looked_is_a_fill(self, bench: Bench) -> None:
        def fill_at_once(terminal: FakeTerminal, sent: dict[str, Any]) -> None:
            terminal.leave(terminal.execute(sent).order, mt5.ORDER_STATE_FILLED)
            terminal.error = (-10005, "IPC timeout")

        bench.terminal.script = [fill_at_once]
        outcome = bench.desk.send(pending())
        assert (outcome.status, outcome.position, outcome.price) == (OutcomeStatus.DONE, 501, 1.0991)

    def test_is_found_by_the_next_worker_too(self, bench: Bench) -> None:
        bench.terminal.script = [nothing(-10005, executed=True)]
        bench.terminal.orders_get = lambda **_: None  # type: ignore[method-assign]
        assert bench.desk.send(pending()).status is UNKNOWN
        del bench.terminal.orders_get
        bench.restart()
        entry = bench.journal.entry(pending().client_order_id)
        assert entry is not None
        assert entry.state is OrderState.PLACED


def test_accepted_only_and_never_seen_is_unknown_not_placed(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=3600.0)
    bench.terminal.script = [answer(10008)]
    assert bench.desk.send(pending()).status is UNKNOWN


def test_accepted_only_and_seen_later_is_placed(bench: Bench) -> None:
    def accept(terminal: FakeTerminal, sent: dict[str, Any]) -> Any:
        result = terminal.execute(sent)
        result.retcode = 10008
        return result

    bench.terminal.script = [accept]
    assert bench.desk.send(pending()).status is PLACED


class TestGate:
    @pytest.mark.parametrize("state", [AccountState.REDUCING, AccountState.HALTED])
    def test_lets_no_pending_order_through_a_stopped_account(self, bench: Bench, state: AccountState) -> None:
        bench.journal.set_state(state, reason="stop", by="Ada", clear=False)
        outcome = bench.desk.send(pending())
        assert (outcome.status, outcome.reason, bench.terminal.sent) == (REJECTED, "risk", [])

    @pytest.mark.parametrize(
        "changes", [{"volume": Decimal("1.01")}, {"symbol": "GBPUSD"}, {"deadline": NOW - timedelta(seconds=1)}]
    )
    def test_holds_it_to_every_rule_of_an_opening_order(self, bench: Bench, changes: dict[str, Any]) -> None:
        bench.terminal.symbols["GBPUSD"] = make_symbol_info(name="GBPUSD")
        outcome = bench.desk.send(pending(**changes))
        assert (outcome.status, bench.terminal.sent) == (REJECTED, [])
        assert outcome.reason == ("deadline" if "deadline" in changes else "risk")

    def test_wants_a_fresh_price(self, bench: Bench) -> None:
        bench.terminal.quote = make_tick(time=NOW - timedelta(seconds=31))
        assert bench.desk.send(pending()).reason == "risk"

    def test_a_market_that_passed_the_price_meanwhile_refuses(self, bench: Bench) -> None:
        bench.terminal.quote = make_tick(1.098, 1.0981)
        outcome = bench.desk.send(pending())
        assert (outcome.reason, bench.terminal.sent) == ("invalid", [])
        assert "below the market" in outcome.message


def test_without_a_connection_nothing_is_sent_and_the_id_stays_free(bench: Bench) -> None:
    bench.terminal.script = [nothing(-10004)]
    with pytest.raises(BrokerUnavailable):
        bench.desk.send(pending())
    assert bench.desk.send(pending()).status is PLACED


def test_a_wrong_filling_mode_is_changed_once(bench: Bench) -> None:
    bench.terminal.script = [answer(10030)]
    assert bench.desk.send(pending()).status is PLACED
    assert [sent["type_filling"] for sent in bench.terminal.sent] == [2, 0]
