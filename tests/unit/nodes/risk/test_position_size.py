from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, make_account
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NodeConfigError, NotEnoughMargin, NotFound, RiskTooSmall, StalePrice
from tradeloom.nodes.risk.position_size import PositionSize, PositionSizeConfig, PositionSizeOutput, largest_within
from tradeloom.trading.broker import Symbol
from tradeloom.trading.intents import Side


class Cents(FakeBroker):
    """Rounds to the account's cents, as terminals do."""

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        return round(super().profit(symbol, side, volume, price_open, price_close), 2)


def symbol(name: str, digits: int, contract: int, profit_currency: str, **changes: Any) -> Symbol:
    point = Decimal(1).scaleb(-digits)
    facts = {
        "name": name,
        "digits": digits,
        "point": point,
        "tick_size": point,
        "contract_size": Decimal(contract),
        "currency_profit": profit_currency,
    }
    return EURUSD.model_copy(update={**facts, **changes})


def broker(facts: Symbol = EURUSD, bid: float = 1.1, ask: float = 1.10002, **account: Any) -> FakeBroker:
    made = FakeBroker(symbols={facts.name: facts}, facts=make_account(**account))
    made.quote(facts.name, bid, ask)
    return made


def run(where: FakeBroker, **config: Any) -> PositionSizeOutput:
    values = {"symbol": next(iter(where.symbols)), "side": "buy", "stop_loss": 50, **config}
    return PositionSize().run(PositionSizeConfig.model_validate(values), FakeContext(brokers={"paper": where}))


def test_hand_computed_euro_dollar() -> None:
    # 1 % of 10,000 is 100; 50 pips on a lot of 100,000 are 500 USD: 0.2 lots lose exactly 100.
    assert run(broker()).model_dump() == {
        "volume": 0.2,
        "symbol": "EURUSD",
        "side": "buy",
        "entry": 1.10002,
        "stop_loss": 1.09502,
        "stop_distance_pips": 50.0,
        "risk_amount": 100.0,
        "risk_pct": 1.0,
        "margin_required": pytest.approx(0.2 * 1.10002 * 1000, abs=0.01),
        "limited_by": "risk",
        "currency": "USD",
    }


@pytest.mark.parametrize(
    ("facts", "rate", "bid", "ask", "stop", "volume", "risk"),
    [
        # USDJPY at 150, dollars: 25 pips are 25,000 JPY a lot, 166.67 USD: 100/166.67 = 0.6
        (symbol("USDJPY", 3, 100_000, "JPY"), "0.0066666667", 149.998, 150.0, 25, 0.59, 98.33),
        # EURGBP: 20 pips are 200 GBP a lot, 250 USD at 1.25: 0.4 lots lose 100
        (symbol("EURGBP", 5, 100_000, "GBP"), "1.25", 0.85, 0.85002, 20, 0.4, 100.0),
        # Gold, two digits: a pip is a point of 0.01; 400 of them are 4 dollars an ounce, 400 USD a lot of 100: 0.25
        (symbol("XAUUSD", 2, 100, "USD"), "1", 1899.7, 1900.0, 400, 0.25, 100.0),
        # An index of one digit and a lot of one: 30 points lose 30 EUR, 33 USD at 1.1: 3.03 lots
        (symbol("DAX", 1, 1, "EUR"), "1.1", 15000.0, 15000.5, 300, 3.03, 99.99),
    ],
)
def test_hand_computed_in_other_currencies(
    facts: Symbol, rate: str, bid: float, ask: float, stop: float, volume: float, risk: float
) -> None:
    where = broker(facts, bid, ask)
    where.to_account_currency[facts.currency_profit] = Decimal(rate)
    output = run(where, stop_loss=stop)
    assert output.volume == volume
    assert output.risk_amount == pytest.approx(risk, abs=0.01)
    assert output.limited_by == "risk"


@pytest.mark.parametrize(
    ("side", "stop", "volume", "risk"),
    [
        # Bought at 150, stopped at 147: 300,000 JPY a lot. Then a dollar is 147 yen: 2,040.82 USD, not today's 2,000.
        # 1 % of 200,000 is 2,000: 0.98 lots lose just that, where today's rate would have said 1.
        ("buy", 147.0, 0.98, 2_000.0),
        # Sold at 150, stopped at 153 when the bid is 152.99: 1,960.91 USD a lot, less than today's 2,000: 1.01 lots.
        ("sell", 153.0, 1.01, 1_980.52),
    ],
)
def test_a_symbol_that_converts_itself_is_reckoned_at_the_stop(
    side: str, stop: float, volume: float, risk: float
) -> None:
    usdjpy = symbol("USDJPY", 3, 100_000, "JPY", currency_base="USD")
    bid, ask = (149.99, 150.0) if side == "buy" else (150.0, 150.01)
    where = broker(usdjpy, bid, ask, equity=200_000.0, free_margin=1e6)
    where.to_account_currency["JPY"] = 1 / Decimal(str(bid))
    output = run(where, side=side, stop_loss_type="price", stop_loss=stop)
    assert output.volume == volume
    assert output.risk_amount == pytest.approx(risk, abs=0.3)
    assert output.risk_amount <= 2_000


@pytest.mark.parametrize(
    ("side", "measure", "value", "stop", "pips"),
    [
        ("buy", "pips", 50, 1.09502, 50),
        ("sell", "pips", 50, 1.105, 50),
        ("buy", "points", 500, 1.09502, 50),
        ("buy", "distance", 0.005, 1.09502, 50),
        ("buy", "price", 1.095, 1.095, 50.2),
        ("sell", "price", 1.105, 1.105, 50),
    ],
)
def test_stops_by_price_and_by_distance(side: str, measure: str, value: float, stop: float, pips: float) -> None:
    output = run(broker(), side=side, stop_loss_type=measure, stop_loss=value)
    assert (output.stop_loss, output.stop_distance_pips) == (stop, pips)
    assert output.entry == (1.10002 if side == "buy" else 1.1)


def test_balance_or_equity() -> None:
    lost = broker(balance=10_000.0, equity=5_000.0)
    assert run(lost).volume == 0.1
    output = run(lost, basis="balance")
    assert (output.volume, output.risk_pct) == (0.2, 1.0)


def test_an_entry_of_ones_own_needs_no_quote() -> None:
    where = broker()
    where.quote("EURUSD", 0.0, 0.0)
    output = run(where, entry=1.2, stop_loss_type="price", stop_loss=1.198)
    assert (output.entry, output.stop_distance_pips, output.volume) == (1.2, 20.0, 0.5)


def test_floors_to_the_step() -> None:
    # 100 / 330 = 0.303
    assert run(broker(), stop_loss=33).volume == 0.3
    coarse = EURUSD.model_copy(update={"volume_step": Decimal("0.25"), "volume_min": Decimal("0.25")})
    assert run(broker(coarse), stop_loss=33).volume == 0.25


def test_exactly_on_a_step_is_not_lost_to_doubles() -> None:
    # 290 / 1,000 is 29 steps of 0.01; in doubles 0.29 / 0.01 is 28.999999999999996
    assert run(broker(equity=29_000.0), stop_loss=100).volume == 0.29


def test_commission_counts_as_loss() -> None:
    # 500 at the stop and 7 to trade it: 100 / 507 = 0.197
    output = run(broker(), commission_per_lot=7)
    assert output.volume == 0.19
    assert output.risk_amount == pytest.approx(0.19 * 507)


def test_below_the_smallest_order_is_refused_never_rounded_up() -> None:
    with pytest.raises(RiskTooSmall) as raised:
        run(broker(equity=499.99))
    assert raised.value.message == (
        "1 % of the equity of 499.99 is 4.99 USD; the smallest order, 0.01 lots, would lose 5.00 at the stop"
    )
    assert run(broker(equity=500.0)).volume == 0.01


@pytest.mark.parametrize("equity", [0.0, -50.0])
def test_no_money_is_refused(equity: float) -> None:
    with pytest.raises(RiskTooSmall):
        run(broker(equity=equity))


def test_no_money_is_refused_even_where_a_loss_rounds_to_nothing() -> None:
    tiny = EURUSD.model_copy(update={"volume_min": Decimal("0.001"), "volume_step": Decimal("0.001")})
    where = Cents(symbols={"EURUSD": tiny}, facts=make_account(equity=0.0))
    assert where.profit("EURUSD", Side.BUY, tiny.volume_min, 1.1, 1.09999) == 0.0
    with pytest.raises(RiskTooSmall):
        run(where, entry=1.1, stop_loss_type="points", stop_loss=1)


def test_the_largest_volume_limits() -> None:
    output = run(broker(), max_volume=0.15)
    assert (output.volume, output.limited_by, output.risk_amount) == (0.15, "max_volume", 75.0)
    small = EURUSD.model_copy(update={"volume_max": Decimal("0.1")})
    assert (run(broker(small)).volume, run(broker(small)).limited_by) == (0.1, "symbol_max")
    assert run(broker(small), max_volume=5).limited_by == "symbol_max"
    assert run(broker(), max_volume=0.2).limited_by == "max_volume"
    assert run(broker(), max_volume=0.21).limited_by == "risk"


def test_a_largest_volume_below_the_smallest_order_is_refused() -> None:
    with pytest.raises(
        NodeConfigError, match=r"the largest volume of 0\.005 lots is below the smallest order of 0\.01"
    ):
        run(broker(), max_volume=0.005)


def test_free_margin_limits() -> None:
    # A lot needs 1,100.02 of margin; 90 % of 100 carry 0.0818 lots.
    output = run(broker(free_margin=100.0))
    assert (output.volume, output.limited_by) == (0.08, "margin")
    assert output.margin_required <= 90
    assert run(broker(free_margin=100.0), max_margin_pct=100).volume == 0.09


def test_too_little_margin_for_any_order_is_refused() -> None:
    with pytest.raises(NotEnoughMargin, match=r"0\.01 lots, needs a margin of 11\.01 USD; 9\.00 of the free margin"):
        run(broker(free_margin=10.0))
    with pytest.raises(NotEnoughMargin):
        run(broker(free_margin=-10.0))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"stop_loss_type": "price", "stop_loss": 1.2}, "a buy's stop loss must be below the bid"),
        ({"side": "sell", "stop_loss_type": "price", "stop_loss": 1.0}, "a sell's stop loss must be above the ask"),
        ({"entry": 1.1, "stop_loss_type": "price", "stop_loss": 1.1}, "must be below the entry: 1.10000 is not below"),
        ({"entry": 1.1, "stop_loss_type": "price", "stop_loss": 1.3}, "must be below the entry: 1.30000 is not below"),
        (
            {"side": "sell", "entry": 1.1, "stop_loss_type": "price", "stop_loss": 1.0},
            "must be above the entry: 1.00000 is not above",
        ),
        ({"entry": 1.1, "stop_loss_type": "distance", "stop_loss": 1e-7}, "must be below the entry"),
        ({"stop_loss_type": "distance", "stop_loss": 2}, "a price must be above zero"),
    ],
)
def test_a_stop_that_does_not_lose_is_refused_in_words(config: dict[str, Any], words: str) -> None:
    with pytest.raises(NodeConfigError, match=words) as raised:
        run(broker(), **config)
    assert raised.value.field == "config.stop_loss"


def test_a_stale_quote_or_unknown_symbol_is_an_error() -> None:
    where = broker()
    where.quote("EURUSD", 1.1, 1.10002, at=where.now - timedelta(seconds=61))
    with pytest.raises(StalePrice):
        run(where)
    assert run(where, max_age_s=3600).volume == 0.2
    with pytest.raises(NotFound):
        run(where, symbol="XXX")


@pytest.mark.parametrize(
    "bad",
    [{"risk_pct": 0}, {"risk_pct": 101}, {"stop_loss": 0}, {"side": "up"}, {"basis": "margin"}, {"max_margin_pct": 0}],
)
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PositionSizeConfig.model_validate({"symbol": "EURUSD", "side": "buy", "stop_loss": 10, **bad})


@given(
    equity=st.decimals(1, 1_000_000, places=2),
    risk=st.decimals("0.01", 10, places=2),
    stop=st.integers(1, 5_000),
    rate=st.decimals("0.005", "1.5", places=5),
    step=st.sampled_from(["0.01", "0.1", "0.001", "1"]),
    cents=st.booleans(),
)
def test_never_above_the_risk_and_one_step_more_would_be(
    equity: Decimal, risk: Decimal, stop: int, rate: Decimal, step: str, cents: bool
) -> None:
    facts = symbol("GBPJPY", 3, 100_000, "JPY", volume_step=Decimal(step), volume_min=Decimal(step))
    kind = Cents if cents else FakeBroker
    where = kind(
        symbols={"GBPJPY": facts},
        facts=make_account(equity=float(equity), free_margin=1e12),
        to_account_currency={"JPY": rate},
    )
    where.quote("GBPJPY", 187.98, 188.0)
    allowed = equity * risk / 100
    try:
        output = run(where, risk_pct=float(risk), stop_loss_type="points", stop_loss=stop + 20)
    except RiskTooSmall:
        loss = where.profit("GBPJPY", Side.BUY, Decimal(step), 188.0, float(Decimal(188) - facts.point * (stop + 20)))
        assert -Decimal(str(loss)) > allowed
        return
    volume = Decimal(str(output.volume))
    assert volume % Decimal(step) == 0
    assert Decimal(str(output.risk_amount)) <= allowed
    assume(output.limited_by == "risk")
    more = where.profit("GBPJPY", Side.BUY, volume + Decimal(step), output.entry, output.stop_loss)
    assert -Decimal(str(more)) > allowed


@given(
    least=st.integers(1, 50),
    span=st.integers(0, 20_000),
    limit=st.integers(-10, 3_000_000),
    tiers=st.lists(st.tuples(st.integers(1, 20_000), st.integers(1, 500)), max_size=4),
)
def test_largest_within_finds_the_largest_for_any_rising_cost(
    least: int, span: int, limit: int, tiers: list[tuple[int, int]]
) -> None:
    asked: list[int] = []

    def cost(count: int) -> Decimal:
        asked.append(count)
        return Decimal(count + sum(max(0, count - start) * more for start, more in tiers))

    most = least + span
    found = largest_within(Decimal(limit), least, most, cost)
    assert len(asked) <= 40
    if found == 0:
        assert cost(least) > limit
    else:
        assert least <= found <= most
        assert cost(found) <= limit
        assert found == most or cost(found + 1) > limit


def test_a_proportional_cost_is_asked_for_four_times() -> None:
    asked: list[int] = []

    def cost(count: int) -> Decimal:
        asked.append(count)
        return Decimal(count) * Decimal("5.01")

    assert largest_within(Decimal(100), 1, 10_000, cost) == 19
    assert len(asked) == 4


@pytest.mark.parametrize(("offered", "volume"), [((), 0.49), (("EURCHF",), 0.5), (("CHFEUR",), 0.5)])
def test_the_way_by_the_dollar_leads_through_the_symbol_where_there_is_no_pair(
    offered: tuple[str, ...], volume: float
) -> None:
    # Bought at 0.8, stopped at 0.784: 1,600 CHF a lot are 2,000 EUR at 0.8 CHF a euro, 2,040.82 at the stop's 0.784.
    usdchf = symbol("USDCHF", 5, 100_000, "CHF", currency_base="USD")
    where = broker(usdchf, 0.8, 0.8, currency="EUR", equity=100_000.0, free_margin=1e6)
    where.symbols |= {name: symbol(name, 5, 100_000, name[3:], currency_base=name[:3]) for name in offered}
    where.to_account_currency["CHF"] = 1 / Decimal("0.8")
    assert run(where, stop_loss_type="price", stop_loss=0.784).volume == volume
