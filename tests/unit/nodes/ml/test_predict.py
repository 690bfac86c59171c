"""The forecast node: what it gives, when it trains, what it keeps, and what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.fake_variables import FakeVariables
from tests.support.node_context import FakeContext
from tests.support.onnx_models import linear
from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tradeloom.errors import (
    Conflict,
    ModelRefused,
    NodeConfigError,
    NotANumber,
    NotEnoughBars,
    NotFound,
    StorageUnavailable,
)
from tradeloom.nodes.base import Effect
from tradeloom.nodes.ml._features import FEATURES, WARMUP
from tradeloom.nodes.ml._upload import upload
from tradeloom.nodes.ml.predict import Predict, PredictConfig, PredictOutput
from tradeloom.nodes.models import SCOPE
from tradeloom.nodes.registry import node_types
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.timeframes import Timeframe

QUICK = {"training_bars": 500, "retrain_every": 24}
END = 1200
"""Where the bars end: the last one closes at 08:00, eight hours into a round of 24."""


class GivenBars(FakeContext):
    def __init__(self, bars: Bars, like: FakeContext | None = None, **more: Any) -> None:
        """`like` is an earlier run, whose store this one finds."""
        kept: dict[str, Any] = {} if like is None else {"variables": like.variables, "files": like.files}
        super().__init__(**kept, **more)
        self._given = bars

    def bars(self, reference: BarsReference) -> Bars:
        return self._given


def run(context: GivenBars, **config: Any) -> PredictOutput:
    made = PredictConfig.model_validate({"bars": context._given.reference, **QUICK, **config})
    return Predict().run(made, context)


def bars_to(end: int, columns: Columns | None = None, **more: Any) -> Bars:
    return bars_from(columns or eurusd_h1(), first=max(0, end - 900), end=end, **more)


def wave(length: int = 900) -> Columns:
    return columns_from(1.1 * np.exp(0.01 * np.sin(2 * np.pi * np.arange(length) / 24)))


class TestForecast:
    @pytest.mark.parametrize("model", ["ridge", "kernel"])
    def test_a_cycle_is_forecast_with_its_turn(self, model: str) -> None:
        columns = wave()
        for end in (800, 806, 812, 818):
            context = GivenBars(bars_from(columns, end=end))
            made = run(context, model=model, horizon=6)
            expected = columns["close"][end - 1 + 6]
            assert made.price == pytest.approx(expected, abs=0.002)
            assert made.low <= made.price <= made.high
            assert made.direction == ("up" if expected > columns["close"][end - 1] else "down")
            assert made.expected_return == pytest.approx(made.price / columns["close"][end - 1] - 1, rel=1e-9)
            assert made.confidence > 0.6
            assert made.walk_forward.beats_naive
            assert made.walk_forward.skill > 0.8
            assert not context.logs

    def test_a_real_market_is_said_to_be_no_better_than_a_coin(self) -> None:
        context = GivenBars(bars_to(END))
        made = run(context, horizon=5)
        assert not made.walk_forward.beats_naive
        assert made.confidence <= 0.5
        [line] = context.logs
        assert line["level"] == "warning"
        assert "does not beat the naive forecast" in line["message"]
        assert made.walk_forward.skill == pytest.approx(
            1 - made.walk_forward.mae / made.walk_forward.naive_mae, abs=1e-4
        )
        # 80% of EURUSD's five-hour moves stay within half a percent, and are wider than a pip.
        assert 0.0002 < made.high - made.low < 0.01

    def test_a_wider_interval_encloses_a_narrower_one(self) -> None:
        context = GivenBars(bars_to(END))
        narrow, usual, wide = (run(context, interval=each) for each in (0.5, 0.8, 0.95))
        assert wide.low < usual.low < narrow.low <= narrow.price <= narrow.high < usual.high < wide.high
        assert narrow.model_version == wide.model_version, "the interval is none of the model's business"

    def test_a_market_that_stands_still_is_flat(self) -> None:
        made = run(GivenBars(bars_from(columns_from(np.full(700, 1.1)))))
        assert (made.direction, made.price, made.confidence) == ("flat", 1.1, 0.5)
        assert (made.low, made.high) == (1.1, 1.1)

    def test_the_time_and_the_training_window_are_named(self) -> None:
        columns = eurusd_h1()
        made = run(GivenBars(bars_to(END)))
        assert made.time.timestamp() == columns["time"][END - 1]
        assert made.trained_to is not None
        assert made.trained_from is not None
        assert made.trained_to.hour == 0, "a round of 24 hours ends at midnight"
        assert timedelta(0) <= made.time - made.trained_to < timedelta(hours=24)
        known = int(np.searchsorted(columns["time"], made.trained_to.timestamp()))
        assert made.trained_from.timestamp() == columns["time"][known - 500 - WARMUP + 1]

    def test_later_bars_change_nothing(self) -> None:
        """The prefix law: what the bars after the last given one are makes no difference."""
        columns = {name: column.copy() for name, column in eurusd_h1().items()}
        before = run(GivenBars(bars_to(END, columns)))
        for name in ("open", "high", "low", "close"):
            columns[name][END:] *= 3
        assert run(GivenBars(bars_to(END, columns))) == before

    def test_bars_before_those_needed_change_nothing(self) -> None:
        whole = run(GivenBars(bars_from(eurusd_h1(), first=0, end=END)))
        assert run(GivenBars(bars_from(eurusd_h1(), first=END - 600, end=END))) == whole

    def test_no_output_can_place_an_order_by_itself(self) -> None:
        """An order takes unset settings from the output before it: none of an ML node's may have such a name."""
        for node in node_types().values():
            if Effect.TRADES not in node.effects:
                continue
            fields = node.Config.model_fields.items()
            taken = {name for name, info in fields if (info.json_schema_extra or {}).get("input")}  # type: ignore[union-attr]
            for other in node_types().values():
                if other.category() == "ml":
                    assert not taken & other.Output.model_fields.keys(), f"{other.type} before {node.type}"


class TestTrainingAndKeeping:
    def test_a_model_is_trained_once_a_round(self) -> None:
        columns = eurusd_h1()
        first = GivenBars(bars_to(END))
        versions = {}
        for end in range(END, END + 40):
            versions[end] = run(GivenBars(bars_to(end), like=first)).model_version
        rounds = {end: (columns["time"][end - 1] // 3600 + 1) // 24 for end in versions}
        assert len(set(versions.values())) == len(set(rounds.values()))
        for end in range(END + 1, END + 40):
            assert (versions[end] == versions[end - 1]) == (rounds[end] == rounds[end - 1])
        assert len(first.files.kept) == len(set(versions.values()))

    def test_a_kept_model_gives_what_a_trained_one_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        context = GivenBars(bars_to(END))
        trained = run(context, model="kernel", horizon=3)

        def never(*_: Any) -> Any:
            raise AssertionError("it was trained already")

        monkeypatch.setattr("tradeloom.nodes.ml._forecast.train", never)
        assert run(GivenBars(bars_to(END), like=context), model="kernel", horizon=3) == trained

    def test_whoever_asks_first_makes_no_difference(self) -> None:
        """A model of a later round, kept already, is not used for an earlier moment."""
        alone = run(GivenBars(bars_to(END)))
        after = GivenBars(bars_to(END + 200))
        run(after)
        assert run(GivenBars(bars_to(END), like=after)) == alone

    def test_corrected_history_trains_anew(self) -> None:
        context = GivenBars(bars_to(END))
        before = run(context)
        columns = {name: column.copy() for name, column in eurusd_h1().items()}
        columns["close"][END - 300] *= 1.001
        columns["high"][END - 300] *= 1.01
        assert run(GivenBars(bars_to(END, columns), like=context)).model_version != before.model_version

    def test_a_lost_file_is_made_again(self) -> None:
        context = GivenBars(bars_to(END))
        before = run(context)
        context.files.kept.clear()
        assert run(GivenBars(bars_to(END), like=context)) == before
        assert list(context.files.kept) == [before.model_version]

    def test_settings_and_accounts_have_shelves_of_their_own(self) -> None:
        context = GivenBars(bars_to(END))
        for config in ({}, {"horizon": 2}, {"model": "kernel"}, {"training_bars": 501}):
            run(context, **config)
        names = context.models.names("trained/")
        assert len(names) == 4
        assert all(name.startswith("trained/EURUSD/H1/") for name in names)
        odd = bars_to(END)
        reference = odd.reference.model_copy(update={"symbol": "#ÄÖ/.." + "x" * 500, "account": "other"})
        run(GivenBars(Bars(reference, *(getattr(odd, name) for name in COLUMNS)), like=context))
        assert len(context.models.names("trained/")) == 5

    def test_test_mode_keeps_nothing(self) -> None:
        context = GivenBars(bars_to(END), test_mode=True)
        tested = run(context)
        assert not context.files.kept
        assert not context.variables.keys(SCOPE)
        assert run(GivenBars(bars_to(END))) == tested

    def test_a_store_that_takes_nothing_costs_only_time(self) -> None:
        def refuse() -> None:
            raise StorageUnavailable("The disk is full.")

        context = GivenBars(bars_to(END), variables=FakeVariables(rivals=refuse))
        assert run(context) == run(GivenBars(bars_to(END)))
        assert "could not be kept: The disk is full." in context.logs[0]["message"]

    def test_old_versions_go(self) -> None:
        first = GivenBars(bars_to(END))
        for end in range(END, END + 24 * 14, 24):
            run(GivenBars(bars_to(end), like=first))
        [name] = first.models.names()
        shelf = first.models.shelf(name)
        assert len(shelf.versions) == 8
        ends = [record.trained_to for record in shelf.versions]
        assert ends == sorted(ends, key=lambda end: end or datetime.min.replace(tzinfo=UTC), reverse=True)

    def test_a_chosen_version_stays_until_it_is_let_go(self) -> None:
        first = GivenBars(bars_to(END))
        chosen = run(first).model_version
        [name] = first.models.names()
        first.models.promote(name, chosen[:12])
        later = GivenBars(bars_to(END + 100), like=first)
        assert run(later).model_version == chosen
        first.models.promote(name, None)
        assert run(later).model_version != chosen

    def test_a_chosen_version_from_the_future_is_not_used(self) -> None:
        later = GivenBars(bars_to(END + 100))
        chosen = run(later).model_version
        [name] = later.models.names()
        later.models.promote(name, chosen)
        assert run(GivenBars(bars_to(END), like=later)) == run(GivenBars(bars_to(END)))


COLUMNS = ("time", "open", "high", "low", "close", "volume", "spread")


class TestUploaded:
    def given(self, end: int = END, **declared: Any) -> GivenBars:
        context = GivenBars(bars_to(end))
        weights = np.zeros(len(FEATURES))
        weights[FEATURES.index("return_1")] = -0.5
        upload(context.models, "mine", linear(weights).SerializeToString(), **{"horizon": 1, **declared})
        return context

    def test_it_is_run_on_the_features_it_names(self) -> None:
        columns = eurusd_h1()
        context = GivenBars(bars_to(END))
        content = linear([0.25, 0.0], features=2).SerializeToString()
        features = ["return_2", "hour_sin"]
        upload(
            context.models, "mine", content, horizon=1, features=features, trained_to=datetime(2017, 1, 2, tzinfo=UTC)
        )
        made = run(context, model="onnx:mine")
        close = columns["close"][:END]
        returns = np.diff(np.log(close))
        move = np.sqrt(np.mean(returns[-50:] ** 2))
        expected = close[-1] * np.exp(0.25 * returns[-2] / move * move)
        assert made.price == pytest.approx(expected, rel=1e-8)
        assert made.trained_from is None

    def test_a_log_return_is_one(self) -> None:
        context = GivenBars(bars_to(END))
        content = linear(np.zeros(len(FEATURES)), intercept=0.001).SerializeToString()
        upload(context.models, "mine", content, horizon=1, target="log_return")
        assert run(context, model="onnx:mine").expected_return == pytest.approx(np.expm1(0.001), rel=1e-5)

    def test_it_is_tested_on_bars_after_its_training(self) -> None:
        columns = eurusd_h1()
        end_of_training = datetime.fromtimestamp(int(columns["time"][END - 301]), tz=UTC)
        context = self.given(trained_to=end_of_training)
        made = run(context, model="onnx:mine")
        assert made.walk_forward.n == 300
        assert made.walk_forward.windows == 1
        assert made.trained_to == end_of_training

    def test_what_learned_a_cycle_is_believed_only_on_bars_it_has_not_seen(self) -> None:
        bars = bars_from(wave(), end=800)
        weights = np.zeros(len(FEATURES))
        weights[FEATURES.index("return_1")] = 0.9
        for trained_to, believed in (
            (datetime.fromtimestamp(int(bars.time[300]), tz=UTC), True),
            (datetime.fromtimestamp(int(bars.time[750]), tz=UTC), False),  # fifty bars are too few
            (None, False),
        ):
            context = GivenBars(bars)
            content = linear(weights).SerializeToString()
            upload(context.models, "mine", content, horizon=1, trained_to=trained_to)
            made = run(context, model="onnx:mine")
            assert made.walk_forward.skill > 0.5
            assert made.walk_forward.beats_naive is believed
            assert (made.confidence > 0.6) is believed
            assert made.confidence <= 0.5 or believed

    def test_one_that_has_seen_these_bars_is_refused(self) -> None:
        context = self.given(trained_to=datetime(2017, 12, 1, tzinfo=UTC))
        with pytest.raises(ModelRefused, match="trained on bars up to 2017-12-01T00:00:00Z") as raised:
            run(context, model="onnx:mine")
        assert raised.value.field == "config.model"

    def test_a_version_can_be_named(self) -> None:
        context = self.given()
        old = context.models.uploaded("mine").version
        upload(context.models, "mine", linear(intercept=0.5).SerializeToString(), horizon=1)
        newest = run(context, model="onnx:mine")
        assert newest.model_version != old
        assert run(context, model=f"onnx:{old}").model_version == old
        context.models.rollback("uploaded/mine")
        assert run(context, model="onnx:mine").model_version == old

    def test_one_file_declared_in_two_ways_must_be_named(self) -> None:
        context = self.given()
        content = context.files.kept[context.models.uploaded("mine").version]
        upload(context.models, "same", content, horizon=1)
        version = context.models.uploaded("mine").version
        assert run(context, model=f"onnx:{version}").model_version == version
        upload(context.models, "other", content, horizon=1, target="log_return")
        with pytest.raises(Conflict, match="declared differently"):
            run(context, model=f"onnx:{version}")

    def test_what_it_is_not_made_for_is_refused(self) -> None:
        with pytest.raises(ModelRefused, match="1 bars ahead, not 4") as raised:
            run(self.given(), model="onnx:mine", horizon=4)
        assert raised.value.field == "config.horizon"
        with pytest.raises(ModelRefused, match="made for D1 bars, not H1") as raised:
            run(self.given(timeframe=Timeframe.D1), model="onnx:mine")
        assert raised.value.field == "config.bars"
        with pytest.raises(NotFound, match="no uploaded model 'yours'"):
            run(self.given(), model="onnx:yours")
        with pytest.raises(NotEnoughBars, match="needs 52 bars; there are 30"):
            run(self.given(end=30), model="onnx:mine")

    def test_a_file_that_was_never_examined_is_examined_before_it_runs(self) -> None:
        """Whatever lies in the store: it is not run on the strength of a record."""
        context = self.given()
        record = context.models.uploaded("mine")
        context.files.kept[record.version] = b"not what was put there"
        with pytest.raises(ModelRefused, match="not an ONNX model"):
            run(context, model="onnx:mine")


class TestRefusals:
    def test_the_forming_bar_is_refused(self) -> None:
        with pytest.raises(NodeConfigError, match="closed bars only") as raised:
            run(GivenBars(bars_to(END, closed_only=False)))
        assert raised.value.field == "config.bars"

    @pytest.mark.parametrize("length", [0, 1, 60, 500 + WARMUP - 2])
    def test_too_few_bars_are_named(self, length: int) -> None:
        with pytest.raises(NotEnoughBars, match=f"needs 574 bars of EURUSD H1; there are {length}"):
            run(GivenBars(bars_from(eurusd_h1(), first=END - length, end=END)))

    @pytest.mark.parametrize("place", [-1, -5, -200])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.1])
    def test_a_bad_price_is_a_typed_error(self, place: int, bad: float) -> None:
        columns = {name: column[END - 900 : END].copy() for name, column in eurusd_h1().items()}
        columns["low"][place] = bad
        with pytest.raises(NotANumber, match="holds a price"):
            run(GivenBars(bars_from(columns)))

    @pytest.mark.parametrize("seed", range(3))
    def test_a_market_that_leaps_from_end_to_end_still_has_numbers(self, seed: int) -> None:
        exponents = np.random.default_rng(seed).uniform(-12, 12, 700)
        made = run(GivenBars(bars_from(columns_from(10.0**exponents))), horizon=5, model="kernel")
        assert made.low <= made.price <= made.high

    @pytest.mark.parametrize(("column", "value"), [("close", 1e300), ("low", 1e-300), ("volume", 1e308)])
    def test_what_is_no_markets_is_a_typed_error(self, column: str, value: float) -> None:
        columns = {name: part[END - 900 : END].copy() for name, part in eurusd_h1().items()}
        columns[column][-3] = value
        with pytest.raises(NotANumber, match="holds a price or volume"):
            run(GivenBars(bars_from(columns)))

    @pytest.mark.parametrize(
        ("config", "why"),
        [
            ({"model": "magic"}, "pattern"),
            ({"model": "onnx:"}, "pattern"),
            ({"model": "onnx:../../etc/passwd"}, "pattern"),
            ({"model": "ridge\n"}, "pattern"),
            ({"horizon": 0}, "greater than or equal to 1"),
            ({"horizon": 26}, "takes at least 520 training bars"),
            ({"horizon": True}, "true/false"),
            ({"horizon": float("nan")}, "finite number|integer"),
            ({"training_bars": 10**9}, "less than or equal to 4400"),
            ({"interval": 1.0}, "less than or equal to 0.98"),
            ({"interval": float("inf")}, "finite"),
            ({"retrain_every": 0}, "greater than or equal to 1"),
            ({"surprise": 1}, "Extra inputs"),
        ],
    )
    def test_bad_settings_are_refused_in_words(self, config: dict[str, Any], why: str) -> None:
        with pytest.raises(ValidationError, match=why):
            PredictConfig.model_validate({"bars": bars_to(END).reference, **QUICK, **config})

    def test_memory_is_what_a_run_needs_and_fits_the_most_there_can_be(self) -> None:
        assert Predict.memory({}) == 2000 + 24 + WARMUP - 1
        assert Predict.memory({"training_bars": 500, "retrain_every": 1}) == 551
        assert Predict.memory({"training_bars": 4400, "retrain_every": 500}) == 4950
        assert Predict.memory({"training_bars": "= 3 * 1000"}) <= 5000
