"""Figures of a test, against hand-made cases and the textbook's formula."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.nodes.ml._scores import PRIOR, PROOF, Scores, Trial, diebold_mariano, price_after, score


def trial_of(forecast: list[float], outcome: list[float], *, close: float = 100.0, move: float = 0.01) -> Trial:
    count = len(forecast)
    closes, moves, outcomes = np.full(count, close), np.full(count, move), np.array(outcome)
    return Trial(np.array(forecast), outcomes, closes, closes * np.exp(outcomes * moves), moves)


def test_errors_are_in_price_and_skill_follows_from_them() -> None:
    scores = score(trial_of([1.0, -1.0, 0.0, 0.5], [1.0, 1.0, -1.0, 0.5]), 1, windows=1)
    up, down = 100 * math.exp(0.01), 100 * math.exp(-0.01)
    errors = [0.0, up - down, 100 - down, 0.0]
    naive = [up - 100, up - 100, 100 - down, 100 * math.exp(0.005) - 100]
    assert scores.mae == pytest.approx(np.mean(errors), rel=1e-5)
    assert scores.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)
    assert scores.naive_mae == pytest.approx(np.mean(naive), rel=1e-5)
    assert scores.skill == pytest.approx(1 - np.mean(errors) / np.mean(naive), rel=1e-5)
    # Right, wrong, none given (a half), right.
    assert scores.directional_accuracy == pytest.approx(2.5 / 4)
    assert scores.n == sum(scores.counts) == 4


def test_diebold_mariano_is_the_textbooks() -> None:
    random = np.random.default_rng(3)
    gain = np.convolve(random.standard_normal(504), np.ones(5) / 5, "valid") + 0.1
    count, horizon = len(gain), 5
    centred = gain - gain.mean()
    covariances = [float(np.sum(centred[lag:] * centred[: count - lag])) / count for lag in range(horizon)]
    variance = covariances[0] + 2 * sum((1 - lag / horizon) * covariances[lag] for lag in range(1, horizon))
    assert diebold_mariano(gain, horizon) == pytest.approx(gain.mean() / math.sqrt(variance / count), rel=1e-12)
    assert diebold_mariano(gain, 1) > diebold_mariano(gain, horizon), "overlap makes a gain less certain"


def test_it_rejects_by_chance_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    rejected = [diebold_mariano(random.standard_normal(500), 1) >= PROOF for _ in range(2000)]
    assert 0.035 < np.mean(rejected) < 0.065


def test_no_difference_is_none_and_a_certain_one_is_bounded() -> None:
    assert diebold_mariano(np.zeros(200), 3) == 0
    assert diebold_mariano(np.full(200, 0.5), 1) == 99
    assert diebold_mariano(np.full(200, -0.5), 1) == -99


class TestConfidence:
    def scores(self, hits: float, **more: object) -> Scores:
        values: dict[str, object] = {
            "n": 500, "windows": 6, "mae": 1.0, "rmse": 1.0, "naive_mae": 1.1, "skill": 0.09, "t_statistic": 3.0,
            "directional_accuracy": 0.6, "edges": (0.1, 0.2, 0.3, 0.4), "hits": (50.0, 50.0, 50.0, 50.0, hits),
            "counts": (100, 100, 100, 100, 100), "residuals": tuple(float(each) for each in range(-49, 50)),
        }  # fmt: skip
        return Scores(**{**values, **more})  # type: ignore[arg-type]

    def test_it_is_the_hit_rate_at_that_strength_drawn_to_a_coins(self) -> None:
        scores = self.scores(90.0)
        assert scores.confidence(0.5, 1) == scores.confidence(-0.5, 1) == (90 + PRIOR / 2) / (100 + PRIOR)
        assert scores.confidence(0.05, 1) == 0.5
        # Ten bars ahead only a tenth of the forecasts are independent of each other.
        assert scores.confidence(0.5, 10) == (9 + PRIOR / 2) / (10 + PRIOR)

    @pytest.mark.parametrize(
        "more", [{"skill": 0.0}, {"skill": -0.1}, {"t_statistic": 1.6}, {"n": 99}, {"seen": True}], ids=str
    )
    def test_it_is_no_better_than_a_coin_where_nothing_is_proven(self, more: dict[str, object]) -> None:
        scores = self.scores(90.0, **more)
        assert not scores.beats_naive
        assert scores.confidence(0.5, 1) == 0.5
        assert self.scores(20.0, **more).confidence(0.5, 1) < 0.5, "worse than a coin is said, too"

    def test_no_forecast_has_no_direction(self) -> None:
        assert self.scores(90.0).confidence(0.0, 1) == 0.5

    @given(st.floats(0.5, 0.98), st.floats(0.5, 0.98))
    def test_intervals_are_nested_and_hold_the_forecast(self, one: float, other: float) -> None:
        scores = self.scores(50.0)
        narrow, wide = scores.interval(min(one, other)), scores.interval(max(one, other))
        assert wide[0] <= narrow[0] <= 0 <= narrow[1] <= wide[1]

    def test_an_interval_is_the_residuals_own(self) -> None:
        assert self.scores(50.0).interval(0.8) == pytest.approx((-40.0, 40.0))


@given(
    st.lists(st.tuples(st.floats(-10, 10), st.floats(-10, 10)), min_size=1, max_size=60),
    st.integers(1, 20),
    st.floats(1e-8, 40),
    st.sampled_from([1e-12, 1.1, 1e12]),
)
def test_whatever_was_forecast_the_scores_are_json_and_come_back(
    pairs: list[tuple[float, float]], horizon: int, move: float, close: float
) -> None:
    forecast, outcome = zip(*pairs, strict=True)
    closes, moves = np.full(len(pairs), close), np.full(len(pairs), move)
    later = price_after(closes, np.array(outcome) * moves)
    scores = score(Trial(np.array(forecast), np.array(outcome), closes, later, moves), horizon, 1)
    kept = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert Scores.from_json(kept) == scores
    assert 0 <= scores.confidence(forecast[0], horizon) <= 1
