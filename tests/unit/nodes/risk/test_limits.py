import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW, make_account, make_pending, make_position, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NotANumber, NotFound
from tradeloom.nodes.risk.limits import Limits, LimitsConfig, LimitsOutput
from tradeloom.trading.intents import Side

YESTERDAY = NOW - timedelta(days=1)
EURJPY = EURUSD.model_copy(update={"name": "EURJPY", "digits": 3, "currency_profit": "JPY"})
DAX = EURUSD.model_copy(
    update={"name": "DAX", "contract_size": Decimal(1), "currency_base": "EUR", "currency_profit": "EUR"}
)


def judge(where: FakeBroker, **config: Any) -> LimitsOutput:
    emitted = Limits().run(LimitsConfig.model_validate(config), FakeContext(brokers={"paper": where}))
    assert isinstance(emitted.output, LimitsOutput)
    assert (emitted.port == "yes") is emitted.output.allowed
    assert emitted.output.allowed == (emitted.output.reasons == [])
    return emitted.output


class TestCounts:
    def test_positions_and_pending_orders_together(self) -> None:
        where = FakeBroker(open_positions=[make_position(1), make_position(2)], pending=[make_pending(3)])
        assert judge(where, max_positions=4).allowed
        refused = judge(where, max_positions=3)
        assert refused.reasons == ["3 positions and pending orders are open; 3 is the limit"]
        assert refused.next_at is None

    def test_in_the_symbol(self) -> None:
        where = FakeBroker(
            symbols={"EURUSD": EURUSD, "EURJPY": EURJPY},
            open_positions=[make_position(1), make_position(2, symbol="EURJPY")],
        )
        assert not judge(where, symbol="EURUSD", max_symbol_positions=1).allowed
        assert judge(where, symbol="EURUSD", max_symbol_positions=2).allowed
        with pytest.raises(NotFound):
            judge(where, symbol="NOPE", max_symbol_positions=1)

    def test_only_its_own(self) -> None:
        where = FakeBroker(open_positions=[make_position(1, workflow_id=None), make_position(2, workflow_id="other")])
        assert judge(where, max_positions=1, scope="own").allowed
        assert not judge(where, max_positions=1, scope="all").allowed

    def test_trades_a_day_count_positions_once(self) -> None:
        parts = [make_trade(11, position=5), make_trade(12, position=5), make_trade(13, position=6)]
        earlier = [make_trade(14, position=7, opened_at=YESTERDAY), make_trade(15, position=8, closed_at=YESTERDAY)]
        held = [make_position(9), make_position(10, opened_at=YESTERDAY)]
        where = FakeBroker(open_positions=held, closed_trades=parts + earlier)
        (check,) = judge(where, max_trades=4).checks
        assert (check.value, check.passed) == (3, True)
        refused = judge(where, max_trades=3)
        assert not refused.allowed
        assert refused.next_at == NOW.replace(hour=0) + timedelta(days=1)


class TestStreakAndCooldown:
    def test_losses_in_a_row_today(self) -> None:
        lost = [make_trade(n, profit=-5.0, closed_at=NOW - timedelta(minutes=30 - n)) for n in range(10, 13)]
        assert not judge(FakeBroker(closed_trades=lost), max_loss_streak=3).allowed
        assert judge(FakeBroker(closed_trades=lost), max_loss_streak=4).allowed
        apart = [lost[0], make_trade(13, closed_at=lost[1].closed_at), lost[2]]
        assert judge(FakeBroker(closed_trades=apart), max_loss_streak=2).allowed
        old = [trade.model_copy(update={"closed_at": YESTERDAY}) for trade in lost]
        assert judge(FakeBroker(closed_trades=old), max_loss_streak=1).allowed

    def test_a_streak_that_ended_the_day_is_not_undone_by_a_win_after_it(self) -> None:
        """What was open already may still close, with a win: the day is over all the same."""
        lost = [make_trade(n, profit=-5.0, closed_at=NOW - timedelta(minutes=30 - n)) for n in range(10, 13)]
        won = make_trade(13, closed_at=NOW)
        refused = judge(FakeBroker(closed_trades=[*lost, won]), max_loss_streak=3)
        assert refused.reasons == ["3 losses in a row today; 3 end the day"]
        assert judge(FakeBroker(closed_trades=[*lost, won]), max_loss_streak=4).allowed

    def test_a_loss_cools_down(self) -> None:
        lost = make_trade(10, profit=-1.0, closed_at=NOW - timedelta(seconds=100))
        refused = judge(FakeBroker(closed_trades=[lost]), cooldown_s=101)
        assert refused.reasons == ["the last loss was 100 s ago; 101 s must pass"]
        assert refused.next_at == NOW + timedelta(seconds=1)
        assert judge(FakeBroker(closed_trades=[lost]), cooldown_s=100).allowed
        won = make_trade(11, closed_at=NOW)
        assert judge(FakeBroker(closed_trades=[won]), cooldown_s=100).allowed

    def test_costs_make_a_loss(self) -> None:
        trade = make_trade(10, profit=1.0, commission=-2.0)
        assert not judge(FakeBroker(closed_trades=[trade]), cooldown_s=60).allowed

    def test_any_trade_cools_down(self) -> None:
        opened = make_position(1, opened_at=NOW - timedelta(seconds=10))
        assert not judge(FakeBroker(open_positions=[opened]), cooldown_s=60, cooldown_after="any").allowed
        assert judge(FakeBroker(open_positions=[opened]), cooldown_s=60, cooldown_after="loss").allowed


class TestExposure:
    def test_hand_computed(self) -> None:
        # 0.1 lots of EURUSD at 1.1 are worth 11,000 USD: 110 % of 10,000, in euros and against dollars.
        where = FakeBroker(open_positions=[make_position(1)])
        (check,) = judge(where, max_exposure_pct=111).checks
        assert (check.value, check.passed) == (110.0, True)
        assert not judge(where, max_exposure_pct=110).allowed

    def test_positions_against_each_other_cancel(self) -> None:
        pair = [make_position(1), make_position(2, side=Side.SELL)]
        (check,) = judge(FakeBroker(open_positions=pair), max_exposure_pct=1).checks
        assert check.value == 0

    def test_crosses_net_by_currency(self) -> None:
        # Bought EURUSD and sold EURJPY of the same worth leave dollars and yen: the euros cancel.
        where = FakeBroker(
            symbols={"EURUSD": EURUSD, "EURJPY": EURJPY},
            to_account_currency={"USD": Decimal(1), "JPY": Decimal("0.01")},
            open_positions=[
                make_position(1),
                make_position(2, symbol="EURJPY", side=Side.SELL, price_current=110.0),
            ],
        )
        (check,) = judge(where, max_exposure_pct=200).checks
        assert check.value == pytest.approx(110)
        assert "EUR" not in check.reason.split()[0]

    def test_an_index_counts_by_its_name(self) -> None:
        where = FakeBroker(
            symbols={"DAX": DAX},
            to_account_currency={"EUR": Decimal("1.1")},
            open_positions=[make_position(1, symbol="DAX", volume=Decimal(1), price_current=10_000.0)],
        )
        (check,) = judge(where, max_exposure_pct=100).checks
        assert check.reason.startswith("DAX is held for 110.0 %")

    @pytest.mark.parametrize("equity", [math.nan, 0.0, -5.0])
    def test_no_equity_no_share(self, equity: float) -> None:
        with pytest.raises(NotANumber):
            judge(FakeBroker(facts=make_account(equity=equity)), max_exposure_pct=100)


def test_every_reason_is_told() -> None:
    where = FakeBroker(open_positions=[make_position(1)], closed_trades=[make_trade(9, profit=-1.0)])
    made = judge(where, max_positions=1, max_trades=1, cooldown_s=60, max_loss_streak=1, max_exposure_pct=1)
    assert [check.rule for check in made.checks] == [
        "positions",
        "exposure",
        "cooldown",
        "loss_streak",
        "trades_today",
    ]
    assert len(made.reasons) == 5
    assert made.next_at is None


@pytest.mark.parametrize(
    "config",
    [{}, {"symbol": "EURUSD"}, {"max_symbol_positions": 1}, {"max_positions": 0}, {"max_trades": 1, "time_zone": "X"}],
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judge(FakeBroker(), **config)
