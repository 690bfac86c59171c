"""Projected exposure against a model that tries every way the market could fill the working orders."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tradeloom.trading.exposure import Exposure, Holding, Projected, SymbolLots, lots_by_symbol
from tradeloom.trading.intents import Side

SYMBOLS = ("EURUSD", "USDJPY")
VALUES = {"EURUSD": Decimal(110_000), "USDJPY": Decimal(100_000)}
LOTS = st.integers(1, 30).map(lambda n: Decimal(n) / 10)
SIDES = st.sampled_from(list(Side))


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    return Holding(draw(st.sampled_from(SYMBOLS)), draw(SIDES), draw(LOTS), 1.1, 1, draw(st.booleans()))


BOOKS = st.lists(holdings(), max_size=7)


def held_after(book: list[Holding], *, netting: bool) -> dict[str, tuple[Decimal, Decimal]]:
    """Lots long and short by symbol, everything in the book being open."""
    lots = {symbol: [Decimal(0), Decimal(0)] for symbol in SYMBOLS}
    for each in book:
        lots[each.symbol][each.side is Side.SELL] += each.lots
    if not netting:
        return {symbol: (long, short) for symbol, (long, short) in lots.items()}
    return {symbol: (max(a - b, Decimal(0)), max(b - a, Decimal(0))) for symbol, (a, b) in lots.items()}


def worst(book: list[Holding], symbol: str, side: Side, *, netting: bool) -> tuple[Decimal, Decimal]:
    """The most on that side of the symbol (netting: on either) and the most gross in all, over every choice of orders
    that fill."""
    open_now = [each for each in book if each.is_open]
    working = [each for each in book if not each.is_open]
    in_symbol, gross = Decimal(0), Decimal(0)
    most = dict.fromkeys(SYMBOLS, Decimal(0))
    for choice in product((True, False), repeat=len(working)):
        filled = open_now + [each for each, fills in zip(working, choice, strict=True) if fills]
        held = held_after(filled, netting=netting)
        sides = held[symbol] if netting else [held[symbol][side is Side.SELL]]
        in_symbol = max(in_symbol, *(lots * VALUES[symbol] for lots in sides))
        for name in SYMBOLS:
            most[name] = max(most[name], sum(held[name], Decimal(0)) * VALUES[name])
        gross = max(gross, sum((sum(held[name], Decimal(0)) * VALUES[name] for name in SYMBOLS), Decimal(0)))
    assert gross == sum(most.values())  # symbols fill without one another
    return in_symbol, gross


@given(BOOKS, holdings(), st.booleans())
def test_it_is_the_worst_that_any_choice_of_fills_leads_to(book: list[Holding], order: Holding, netting: bool) -> None:
    order = replace(order, is_open=False)
    exposure = Exposure(lots_by_symbol(book), VALUES, netting)
    before, after = (worst(each, order.symbol, order.side, netting=netting) for each in (book, [*book, order]))
    assert exposure.of_symbol(order.symbol, order.side, order.lots) == Projected(before[0], after[0])
    assert exposure.of_all(order.symbol, order.side, order.lots) == Projected(before[1], after[1])


@given(
    st.lists(st.tuples(holdings(), st.booleans(), st.booleans()), max_size=25),
    st.integers(5, 60).map(lambda n: Decimal(n) * 10_000),
    st.integers(5, 60).map(lambda n: Decimal(n) * 10_000),
    st.booleans(),
)
def test_no_sequence_of_admitted_orders_goes_beyond_the_limits(
    steps: list[tuple[Holding, bool, bool]], most_in_symbol: Decimal, most_in_all: Decimal, netting: bool
) -> None:
    """Orders come, fill or go on waiting in any order; one that breaks no rule is admitted."""
    book: list[Holding] = []
    for order, fills, oldest_fills in steps:
        exposure = Exposure(lots_by_symbol(book), VALUES, netting)
        in_symbol = exposure.of_symbol(order.symbol, order.side, order.lots)
        in_all = exposure.of_all(order.symbol, order.side, order.lots)
        if not in_symbol.breaks(most_in_symbol) and not in_all.breaks(most_in_all):
            book.append(replace(order, is_open=fills))
        waiting = [index for index, each in enumerate(book) if not each.is_open]
        if oldest_fills and waiting:
            book[waiting[0]] = replace(book[waiting[0]], is_open=True)
        held = held_after([each for each in book if each.is_open], netting=netting)
        for symbol in SYMBOLS:
            assert max(held[symbol]) * VALUES[symbol] <= most_in_symbol
        assert sum(sum(held[symbol]) * VALUES[symbol] for symbol in SYMBOLS) <= most_in_all


@given(BOOKS, SIDES, LOTS, st.booleans())
def test_only_what_makes_a_side_larger_needs_margin(
    book: list[Holding], side: Side, lots: Decimal, netting: bool
) -> None:
    exposure = Exposure(lots_by_symbol(book), VALUES, netting)
    growth = exposure.growth("EURUSD", side, lots)
    assert 0 <= growth <= lots
    if not netting:
        assert growth == lots


def test_a_netting_order_against_the_position_reduces() -> None:
    exposure = Exposure({"EURUSD": SymbolLots(long=Decimal(2))}, VALUES, netting=True)
    assert exposure.growth("EURUSD", Side.SELL, Decimal(2)) == 0
    assert exposure.growth("EURUSD", Side.SELL, Decimal(3)) == 1
    assert not exposure.of_symbol("EURUSD", Side.SELL, Decimal(3)).breaks(Decimal(1))


def test_a_side_beyond_the_limit_makes_no_room_on_the_other() -> None:
    """Prices rose, or a person tightened the limit: what is held besides has the same limit."""
    exposure = Exposure({"EURUSD": SymbolLots(long=Decimal(3))}, VALUES, netting=False)
    assert exposure.of_symbol("EURUSD", Side.SELL, Decimal(3)).breaks(2 * VALUES["EURUSD"])
    assert not exposure.of_symbol("EURUSD", Side.SELL, Decimal(2)).breaks(2 * VALUES["EURUSD"])
