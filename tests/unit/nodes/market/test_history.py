from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.support.fake_broker import FakeBroker
from tests.support.node_context import AS_OF, FakeContext
from tests.support.series import bars_from, eurusd_h1
from tradeloom.errors import NotEnoughBars, NotFound
from tradeloom.nodes.market.history import History, HistoryConfig, HistoryOutput
from tradeloom.trading.bars import MAX_BARS, BarsReference


def context(**changes: Any) -> FakeContext:
    broker = FakeBroker(history={("EURUSD", "H1"): eurusd_h1()})
    return FakeContext(brokers={"paper": broker}, **changes)


def run(where: FakeContext, **config: Any) -> HistoryOutput:
    return History().run(HistoryConfig.model_validate({"symbol": "EURUSD", **config}), where)


def test_ends_with_the_last_bar_closed_when_triggered() -> None:
    output = run(context(as_of=AS_OF + timedelta(minutes=59)))
    assert output.bars.to == AS_OF + timedelta(minutes=59)
    assert output.last.time == AS_OF - timedelta(hours=1)
    assert output.count == output.bars.count == 200
    assert (output.symbol, output.timeframe) == ("EURUSD", "H1")


def test_the_forming_bar_comes_only_when_asked_for() -> None:
    output = run(context(as_of=AS_OF + timedelta(minutes=59)), closed_only=False)
    assert output.last.time == AS_OF
    assert output.bars.closed_only is False


def test_the_reference_is_plain_json_that_resolves_to_the_same_bars() -> None:
    where = context(warmup_bars=496)
    output = run(where, count=100)
    reference = BarsReference.model_validate(output.model_dump(mode="json")["bars"])
    assert reference == output.bars
    bars = where.bars(reference)
    assert len(bars) == 100 + 496
    assert bars.bar(-1) == output.last


@pytest.mark.parametrize(
    ("count", "wanted", "given"), [(200, 496, 496), (200, 4800, 4800), (200, 4801, 4800), (MAX_BARS, 1, 0)]
)
def test_the_warm_up_is_capped_and_said_so(count: int, wanted: int, given: int) -> None:
    where = context(as_of=datetime(2017, 12, 20, tzinfo=UTC), warmup_bars=wanted)
    assert run(where, count=count).bars.warmup == given
    warned = [log for log in where.logs if "5000 is the most" in log["message"]]
    assert bool(warned) == (given < wanted)


def test_too_short_a_history_is_an_error() -> None:
    with pytest.raises(NotEnoughBars, match="200"):
        run(context(as_of=datetime(2017, 1, 5, tzinfo=UTC)))


def test_a_broker_that_gives_fewer_bars_than_asked_for_is_an_error() -> None:
    class Sparing(FakeContext):
        def bars(self, reference: BarsReference) -> Any:
            return bars_from(eurusd_h1(), end=150)

    with pytest.raises(NotEnoughBars, match="has 150 bars of EURUSD H1; 200 were asked for"):
        run(Sparing(brokers={"paper": FakeBroker()}))


def test_an_unknown_symbol_is_an_error() -> None:
    class Unknown(FakeContext):
        def bars(self, reference: BarsReference) -> Any:
            self.broker().symbol(reference.symbol)

    with pytest.raises(NotFound):
        run(Unknown(brokers={"paper": FakeBroker()}), symbol="XXX")


def test_a_real_holiday_is_named_and_real_weekends_are_not() -> None:
    where = context(as_of=datetime(2017, 12, 27, tzinfo=UTC))
    output = run(where, count=500)
    plain = output.model_dump(mode="json")
    assert plain["gaps"] == [{"from": "2017-12-25T08:00:00Z", "to": "2017-12-25T22:00:00Z", "bars_missing": 14}]
    assert output.gap_count == 1
    assert any("1 gap" in log["message"] for log in where.logs)
    assert run(context(), count=500).gaps == []


def test_of_many_gaps_the_latest_are_named() -> None:
    columns = eurusd_h1()
    kept = [row for row in range(4000) if row % 48 < 40]
    patchy = {name: column[kept] for name, column in columns.items()}
    broker = FakeBroker(history={("EURUSD", "H1"): patchy})
    output = run(FakeContext(brokers={"paper": broker}, as_of=datetime(2017, 8, 1, tzinfo=UTC)), count=2000)
    assert output.gap_count > 20
    assert len(output.gaps) == 20
    assert output.gaps == sorted(output.gaps, key=lambda gap: gap["from"])
    assert output.gaps[-1]["to"] <= output.last.time


def test_the_output_has_a_schema() -> None:
    schema = TypeAdapter(HistoryOutput).json_schema()
    assert schema["$defs"]["Gap"]["properties"].keys() == {"from", "to", "bars_missing"}


@pytest.mark.parametrize(
    "bad",
    [{"count": 0}, {"count": MAX_BARS + 1}, {"timeframe": "Y1"}, {"source": "database"}, {"closed_only": "maybe"}],
)
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HistoryConfig.model_validate({"symbol": "EURUSD", **bad})
