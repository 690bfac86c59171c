"""Training and testing on the past: what is learned, what is not seen, and that the same bars give the same model."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.forecasting import walk
from tests.support.random_walks import random_walk
from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import random_bars, walks
from tradeloom.errors import NotANumber
from tradeloom.nodes.ml import _network
from tradeloom.nodes.ml._features import FEATURES, MOST, WARMUP, matrix, require_prices, volatility
from tradeloom.nodes.ml._forecast import Made, inputs_digest, rows_of, train, walk_forward
from tradeloom.nodes.ml._network import Kind, fit
from tradeloom.nodes.ml._session import Session

KINDS: tuple[Kind, ...] = ("ridge", "kernel")
each_kind = pytest.mark.parametrize("kind", KINDS)
LENGTH = 800


def trained(columns: Columns, kind: Kind, horizon: int, *, end: int | None = None) -> Made:
    return train(bars_from(columns, end=end), kind, horizon)


def noisy(returns: Any) -> Columns:
    return columns_from(1.1 * np.exp(np.cumsum(returns)))


class TestFeatures:
    @given(columns=walks(min_length=WARMUP + 20, max_length=130), data=st.data())
    @settings(max_examples=30, deadline=None)
    def test_neither_later_bars_nor_the_start_of_history_change_a_row(
        self, columns: Columns, data: st.DataObject
    ) -> None:
        length = len(columns["time"])
        row = data.draw(st.integers(WARMUP - 1, length - 1))
        whole = matrix(bars_from(columns))
        changed = {name: column.copy() for name, column in columns.items()}
        for name in ("open", "high", "low", "close"):
            changed[name][row + 1 :] *= data.draw(st.floats(0.5, 2))
        np.testing.assert_array_equal(matrix(bars_from(changed))[row], whole[row])
        np.testing.assert_array_equal(matrix(bars_from(columns, end=row + 1))[row], whole[row])
        alone = matrix(bars_from(columns, first=row - WARMUP + 1, end=row + 1))
        np.testing.assert_array_equal(alone[-1], whole[row])

    def test_every_row_has_every_feature_within_bounds_and_none_is_dead(self) -> None:
        made = matrix(bars_from(eurusd_h1(), end=3000))
        assert made.shape == (3000, len(FEATURES))
        assert np.isnan(made[: WARMUP - 1]).all()
        known = made[WARMUP - 1 :]
        assert np.isfinite(known).all()
        assert np.abs(known).max() <= MOST
        assert (known.std(axis=0) > 0.05).all()

    def test_features_have_no_scale(self) -> None:
        columns = random_bars(3, 200)
        scaled = {name: column * 1000 if column.dtype == np.float64 else column for name, column in columns.items()}
        scaled["volume"] = columns["volume"]
        np.testing.assert_allclose(matrix(bars_from(scaled)), matrix(bars_from(columns)), rtol=1e-4, atol=1e-5)

    def test_a_feature_by_hand(self) -> None:
        columns = random_bars(5, 120)
        bars = bars_from(columns)
        row, close = matrix(bars)[-1], columns["close"]
        returns = np.diff(np.log(close))
        sigma = np.sqrt(np.mean(returns[-50:] ** 2))
        assert volatility(close)[-1] == pytest.approx(sigma, rel=1e-12)
        by_name = dict(zip(FEATURES, row.tolist(), strict=True))
        assert by_name["return_2"] == pytest.approx(returns[-2] / sigma, rel=1e-6)
        assert by_name["return_sum_20"] == pytest.approx(returns[-20:].sum() / sigma / np.sqrt(20), rel=1e-5)
        changes = np.diff(close)[-14:]
        assert by_name["rsi_14"] == pytest.approx(changes.sum() / np.abs(changes).sum(), rel=1e-5)
        ranges = np.maximum(columns["high"], np.roll(close, 1)) - np.minimum(columns["low"], np.roll(close, 1))
        atr = ranges[-14:].mean()
        assert by_name["sma_50_distance"] == pytest.approx((close[-1] - close[-50:].mean()) / atr, rel=1e-5)
        top, bottom = columns["high"][-20:].max(), columns["low"][-20:].min()
        assert by_name["channel_20"] == pytest.approx((2 * close[-1] - top - bottom) / (top - bottom), rel=1e-5)

    def test_a_market_that_stands_still_has_features(self) -> None:
        assert np.isfinite(matrix(bars_from(columns_from(np.full(120, 1.1))))[WARMUP - 1 :]).all()

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
    @pytest.mark.parametrize("column", ["open", "high", "low", "close"])
    def test_a_price_without_a_logarithm_is_a_typed_error(self, column: str, bad: float) -> None:
        columns = random_bars(1, 120)
        columns[column][60] = bad
        with pytest.raises(NotANumber, match="2017-01-04T10:00:00Z") as raised:
            require_prices(bars_from(columns))
        assert raised.value.field == "config.bars"


class TestNetwork:
    @each_kind
    @pytest.mark.parametrize("seed", range(5))
    def test_the_file_computes_what_the_weights_do(self, kind: Kind, seed: int) -> None:
        random = np.random.default_rng(seed)
        features = random.standard_normal((400, len(FEATURES))).astype(np.float32)
        target = np.tanh(features[:, 0] * features[:, 1]) + features[:, 2] + random.standard_normal(400) * 0.1
        network = fit(features, target.astype(np.float64), kind, horizon=1)
        other = (3 * random.standard_normal((700, len(FEATURES)))).astype(np.float32)
        answer = Session(network.to_onnx({"kind": kind})).predict(other)
        np.testing.assert_allclose(answer, network.predict(other), atol=1e-5)
        assert np.std(answer) > 0.5

    def test_ridge_is_the_textbooks(self) -> None:
        random = np.random.default_rng(7)
        features = random.standard_normal((300, 4)).astype(np.float32)
        target = features @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 + 0.01 * random.standard_normal(300)
        network = fit(features, target, "ridge", horizon=1)
        standard = np.clip((features.astype(float) - network.mean) * network.scale, -5, 5)
        design = np.hstack([standard, np.ones((300, 1))])
        penalty = min(_network.PENALTIES)  # nearly no noise: the weakest is best
        weights = np.linalg.solve(design.T @ design / 300 + penalty * np.eye(5), design.T @ target / 300)
        np.testing.assert_allclose([*network.linear, network.intercept], weights, rtol=1e-9)

    def test_a_constant_feature_counts_for_nothing(self) -> None:
        features = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
        features[:, 1] = 0.1
        network = fit(features, features[:, 0].astype(np.float64), "ridge", horizon=1)
        assert network.scale[1] == 0
        moved = features.copy()
        moved[:, 1] = 9.0
        np.testing.assert_array_equal(network.predict(moved), network.predict(features))

    def test_noise_is_answered_by_nearly_nothing(self) -> None:
        random = np.random.default_rng(2)
        sizes = []
        for _ in range(10):
            features = random.standard_normal((600, len(FEATURES))).astype(np.float32)
            network = fit(features, random.standard_normal(600), "kernel", horizon=1)
            sizes.append(np.std(network.predict(features)))
        assert np.median(sizes) < 0.2


class TestTraining:
    @each_kind
    def test_the_same_bars_give_the_same_bytes(self, kind: Kind) -> None:
        columns = eurusd_h1()
        first, second = (trained(columns, kind, 3, end=LENGTH) for _ in range(2))
        assert first.content == second.content
        assert first.scores == second.scores
        assert trained(columns, kind, 3, end=LENGTH + 1).content != first.content

    @each_kind
    @pytest.mark.parametrize("horizon", [1, 7])
    def test_no_test_forecast_sees_what_comes_after_it(
        self, kind: Kind, horizon: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From some bar on the market is another one: forecasts of windows before are the same to the last bit."""
        columns = eurusd_h1()
        seen: list[list[Any]] = []
        real = Session.predict

        def noting(self: Session, features: Any) -> Any:
            answer = real(self, features)
            seen[-1].append(answer)
            return answer

        monkeypatch.setattr(Session, "predict", noting)
        rows = rows_of(bars_from(columns, end=LENGTH), horizon)
        borders = np.linspace(round(len(rows.outcome) * 0.4), len(rows.outcome), 7).round().astype(int)
        changed_at = int(borders[3]) + WARMUP - 1
        for other in (False, True):
            changed = {name: column.copy() for name, column in columns.items()}
            if other:
                # The bar a window begins at is known to its forecast; what follows it is not.
                for name in ("open", "high", "low", "close"):
                    changed[name][changed_at + 1 :] *= np.linspace(1.5, 2, len(changed[name]) - changed_at - 1)
            seen.append([])
            rows = rows_of(bars_from(changed, end=LENGTH), horizon)
            walk_forward(rows, np.clip(rows.outcome, -MOST, MOST), kind, horizon)
        for window in range(3):
            np.testing.assert_array_equal(seen[1][window], seen[0][window])
        # The window that begins there: its model is the same too, so is its first forecast.
        assert seen[1][3][0] == seen[0][3][0]
        assert not np.array_equal(seen[1][4], seen[0][4])

    @pytest.mark.parametrize("horizon", [1, 5])
    def test_the_gap_before_a_window_is_twice_the_horizon(self, horizon: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """No target of the training ends within `horizon` bars of the window's first bar."""
        lengths: list[int] = []

        def noting(features: Any, target: Any, kind: Kind, horizon: int) -> Any:
            lengths.append(len(target))
            return fit(features, target, kind, horizon)

        monkeypatch.setattr("tradeloom.nodes.ml._forecast.fit", noting)
        made = trained(eurusd_h1(), "ridge", horizon, end=LENGTH)
        rows = LENGTH - WARMUP + 1 - horizon
        borders = np.linspace(round(rows * 0.4), rows, 7).round().astype(int).tolist()
        for length, start in zip(lengths[:6], borders, strict=False):
            assert (length - 1) + horizon <= start - horizon
            assert length + horizon > start - horizon, "no more is left out than must be"
        assert lengths[6] == rows, "the model itself is fitted on everything"
        assert made.scores.n == rows - borders[0]

    @each_kind
    def test_a_cycle_is_learned(self, kind: Kind) -> None:
        columns = columns_from(1.1 * np.exp(0.01 * np.sin(2 * np.pi * np.arange(LENGTH) / 24)))
        scores = trained(columns, kind, 3).scores
        assert scores.skill > 0.9
        assert scores.directional_accuracy > 0.97
        assert scores.beats_naive
        assert scores.confidence(2.0, 3) > 0.75

    def test_momentum_that_turns_with_the_day_is_learned_by_the_kernel_alone(self) -> None:
        random = np.random.default_rng(11)
        returns = np.zeros(2000)
        for bar in range(1, 2000):
            sign = 1.0 if bar % 24 < 12 else -1.0
            returns[bar] = 0.7 * sign * returns[bar - 1] + 0.001 * random.standard_normal()
        ridge, kernel = (trained(noisy(returns), kind, 1).scores for kind in KINDS)
        assert kernel.skill > ridge.skill + 0.02
        assert kernel.beats_naive

    def test_reversion_is_learned_and_its_confidence_is_its_hit_rate(self) -> None:
        random = np.random.default_rng(5)
        returns = np.zeros(4000)
        for bar in range(1, 4000):
            returns[bar] = -0.5 * returns[bar - 1] + 0.001 * random.standard_normal()
        run = walk(noisy(returns), "ridge", 1, training=1500, every=250)
        assert run.skill > 0.08
        assert run.proven.all()
        for low, high in ((0.5, 0.65), (0.65, 0.8), (0.8, 1.0)):
            which = (run.confidence > low) & (run.confidence <= high)
            if which.sum() >= 150:
                assert abs(run.hit_rate(which) - run.confidence[which].mean()) < 0.06
        assert run.confidence.max() > 0.75

    @each_kind
    def test_random_walks_are_called_what_they_are(self, kind: Kind) -> None:
        """Of forty, a few pass a 5% test by chance; none is claimed to be worth much."""
        proven, skills, sure = 0, [], []
        for seed in range(40):
            scores = trained(random_walk(np.random.default_rng(seed), LENGTH), kind, 1).scores
            proven += scores.beats_naive
            skills.append(scores.skill)
            sure.append(max(scores.confidence(strength, 1) for strength in (*scores.edges, 1.0)))
        assert proven <= 6
        assert abs(float(np.mean(skills))) < 0.02
        assert max(abs(skill) for skill in skills) < 0.1
        assert np.mean(sure) < 0.52
        assert max(sure) < 0.65

    def test_a_market_that_stands_still_is_forecast_to_stand_still(self) -> None:
        made = trained(columns_from(np.full(LENGTH, 1.1)), "kernel", 2)
        assert made.scores.skill == 0
        assert not made.scores.beats_naive
        assert made.scores.confidence(0.0, 2) == 0.5

    def test_the_digest_names_bars_settings_and_nothing_else(self) -> None:
        columns = random_bars(9, 300)
        given = {"kind": "ridge", "horizon": 1}
        digest = inputs_digest(bars_from(columns), given)
        assert digest == inputs_digest(bars_from(columns, count=5), given)
        assert digest != inputs_digest(bars_from(columns), given | {"horizon": 2})
        columns["volume"][7] += 1
        assert digest != inputs_digest(bars_from(columns), given)


class TestIntervals:
    @pytest.mark.parametrize(("horizon", "coverage"), [(1, 0.8), (1, 0.5), (5, 0.8)])
    def test_they_enclose_what_they_say_on_real_bars(self, horizon: int, coverage: float) -> None:
        run = walk(eurusd_h1(), "ridge", horizon, training=700, every=96, coverage=coverage, last=2400)
        assert len(run.close) > 2000
        assert run.coverage == pytest.approx(coverage, abs=0.05)
        assert (run.low <= run.price).all()
        assert (run.price <= run.high).all()
        assert -0.05 < run.skill < 0.03
