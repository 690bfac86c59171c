from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge import constants as mt5
from mt5_bridge.preparation import (
    Leg,
    Quote,
    SymbolRules,
    Unsendable,
    build_request,
    closing_leg,
    opening_leg,
)
from tests.unit.mt5_bridge.fake_terminal import close, make_position, make_symbol_info, market
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

QUOTE = Quote(Decimal("1.10000"), Decimal("1.10010"))


def rules(**changes: Any) -> SymbolRules:
    return SymbolRules.of(make_symbol_info(**changes))


def request(intent: Any = None, quote: Quote = QUOTE, **changes: Any) -> dict[str, Any]:
    intent, symbol = intent or market(), rules(**changes)
    return build_request(intent, Leg(intent.side, intent.volume, 0), symbol, quote, 0)


def test_types_are_what_the_terminal_takes() -> None:
    made = request(market(stop_loss=Decimal("1.05"), take_profit=Decimal("1.2")))
    floats = {"volume", "price", "sl", "tp"}
    for key, value in made.items():
        assert type(value) is (float if key in floats else str if key in ("symbol", "comment") else int), key
    assert len(made["comment"]) <= 27
    assert made["comment"].isascii()
    assert 0 < made["magic"] < 2**52


@given(
    lots=st.decimals(min_value="0.01", max_value="100", places=6),
    step=st.sampled_from(["0.01", "0.1", "0.05", "1", "0.001", "0.25"]),
)
def test_volumes_are_multiples_of_the_step_and_never_more_than_asked(lots: Decimal, step: str) -> None:
    symbol = rules(volume_step=float(step), volume_min=float(step))
    try:
        volume = symbol.volume(lots)
    except Unsendable:
        assert lots < Decimal(step)
        return
    assert volume % Decimal(step) == 0
    assert lots - Decimal(step) < volume <= lots
    assert exact(float(volume)) == volume


@given(
    price=st.decimals(min_value="0.5", max_value="3000", places=7),
    tick=st.sampled_from([("0.00001", 5), ("0.00005", 5), ("0.25", 2), ("0.001", 3), ("5", 0)]),
)
def test_prices_are_multiples_of_the_tick_size(price: Decimal, tick: tuple[str, int]) -> None:
    size, digits = Decimal(tick[0]), tick[1]
    rounded = rules(trade_tick_size=float(size), digits=digits).price(price)
    assert rounded % size == 0
    assert abs(rounded - price) <= size / 2
    assert -rounded.as_tuple().exponent <= digits  # type: ignore[operator]


def test_a_tick_size_of_zero_means_the_point() -> None:
    assert rules(trade_tick_size=0.0).tick_size == Decimal("0.00001")


@pytest.mark.parametrize("lots", ["0.009", "100.01"])
def test_volumes_outside_the_symbols_range_are_refused(lots: str) -> None:
    with pytest.raises(Unsendable):
        opening_leg(market(volume=Decimal(lots)), rules())


@pytest.mark.parametrize(
    ("flags", "execution", "modes"),
    [
        (1, 2, (0, 1)),
        (2, 2, (1, 0)),
        (3, 2, (0, 1)),
        (0, 2, (0, 1)),
        (4, 2, (0, 1)),
        (0, 3, (2, 0, 1)),
        (2, 1, (1, 2, 0)),
        (3, 0, (0, 1, 2)),
    ],
)
def test_filling_modes_come_from_the_symbols_flags(flags: int, execution: int, modes: tuple[int, ...]) -> None:
    assert rules(filling_mode=flags, trade_exemode=execution).filling_modes() == modes


def test_a_close_takes_what_a_thin_market_gives() -> None:
    both = rules(filling_mode=mt5.SYMBOL_FILLING_FOK | mt5.SYMBOL_FILLING_IOC)
    assert both.filling_modes(closing=True)[:2] == (mt5.ORDER_FILLING_IOC, mt5.ORDER_FILLING_FOK)
    assert rules(filling_mode=mt5.SYMBOL_FILLING_FOK).filling_modes(closing=True)[0] == mt5.ORDER_FILLING_FOK


class TestStops:
    @pytest.mark.parametrize(
        ("side", "stops"),
        [
            (Side.BUY, {"stop_loss": "1.1"}),
            (Side.BUY, {"stop_loss": "1.10005"}),
            (Side.BUY, {"take_profit": "1.1"}),
            (Side.SELL, {"stop_loss": "1.1001"}),
            (Side.SELL, {"take_profit": "1.1001"}),
            (Side.BUY, {"stop_loss": "-1"}),
            (Side.SELL, {"take_profit": "0"}),
        ],
    )
    def test_on_the_wrong_side_are_refused(self, side: Side, stops: dict[str, str]) -> None:
        with pytest.raises(Unsendable, match="must be"):
            request(market(side=side, **{key: Decimal(value) for key, value in stops.items()}))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("side", "loss", "profit"), [(Side.BUY, "1.09990", "1.10010"), (Side.SELL, "1.10020", "1.10000")]
    )
    def test_at_the_stops_level_pass_and_one_point_nearer_do_not(self, side: Side, loss: str, profit: str) -> None:
        made = request(market(side=side, stop_loss=Decimal(loss), take_profit=Decimal(profit)), trade_stops_level=10)
        assert (made["sl"], made["tp"]) == (float(loss), float(profit))
        with pytest.raises(Unsendable, match="nearer"):
            request(market(side=side, stop_loss=Decimal(loss)), trade_stops_level=11)

    def test_are_rounded_to_the_tick_size(self) -> None:
        made = request(market(stop_loss=Decimal("1.050013")), trade_tick_size=5e-05)
        assert made["sl"] == 1.05


class TestCloses:
    def test_take_the_other_side_of_the_position(self) -> None:
        for side, opposite in ((mt5.POSITION_TYPE_BUY, Side.SELL), (mt5.POSITION_TYPE_SELL, Side.BUY)):
            leg = closing_leg(close(9), make_position(9, side, 0.3), rules())
            assert leg == Leg(opposite, Decimal("0.3"), 9)
            assert build_request(close(9), leg, rules(), QUOTE, 0)["position"] == 9

    def test_of_the_whole_position_are_exact_even_off_the_step(self) -> None:
        odd = make_position(9, volume=0.015)
        assert closing_leg(close(9), odd, rules()).volume == Decimal("0.015")
        assert closing_leg(close(9, volume=Decimal("0.015")), odd, rules()).volume == Decimal("0.015")

    def test_of_more_than_is_open_take_what_is(self) -> None:
        for lots in ("0.3", "0.31", "5000"):
            assert closing_leg(close(9, volume=Decimal(lots)), make_position(9, volume=0.3), rules()).volume == Decimal(
                "0.3"
            )
        assert closing_leg(close(9, volume=Decimal("0.299")), make_position(9, volume=0.3), rules()).volume == Decimal(
            "0.29"
        )

    @pytest.mark.parametrize(("percent", "lots"), [("50", "0.15"), ("33.3", "0.09"), ("99.9", "0.29"), ("4", "0.01")])
    def test_of_a_share_are_floored_to_the_step(self, percent: str, lots: str) -> None:
        assert closing_leg(close(9, percent=Decimal(percent)), make_position(9, volume=0.3), rules()).volume == Decimal(
            lots
        )

    def test_of_a_share_below_the_smallest_order_are_refused(self) -> None:
        with pytest.raises(Unsendable, match="below the smallest order"):
            closing_leg(close(9, percent=Decimal(50)), make_position(9, volume=0.01), rules())

    def test_have_no_stops(self) -> None:
        leg = closing_leg(close(9), make_position(9), rules())
        assert {"sl", "tp"}.isdisjoint(build_request(close(9), leg, rules(), QUOTE, 0))


def test_floats_from_the_terminal_mean_their_shortest_decimal() -> None:
    assert exact(0.1 + 0.2) != Decimal("0.3")
    assert exact(1e-05) == Decimal("0.00001")
    assert exact(0.07) == Decimal("0.07")
