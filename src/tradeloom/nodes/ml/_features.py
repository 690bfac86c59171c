"""What a model sees of the bars: stationary features, each from the last `WARMUP` bars and nothing else.

Every window is finite and summed in one fixed order, so a row is the same number whatever history stands before it,
and no row depends on a later bar.
"""

from typing import TYPE_CHECKING

from tradeloom.errors import NotANumber

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.trading.bars import Bars

    type Column = NDArray[np.float64]

FEATURES = (
    "return_1",
    "return_2",
    "return_3",
    "return_4",
    "return_5",
    "return_sum_10",
    "return_sum_20",
    "return_sum_50",
    "volatility_ratio",
    "range_atr",
    "close_in_bar",
    "rsi_14",
    "sma_10_distance",
    "sma_20_distance",
    "sma_50_distance",
    "channel_20",
    "volume_ratio",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
)
"""Names in the order of the matrix's columns. `docs/ml.md` defines each."""

WARMUP = 51
"""Rows before the first that has every feature: fifty returns need fifty-one closes."""

VOLATILITY_BARS = 50
LEAST_VOLATILITY = 1e-8
"""Of log returns a bar: below a thousandth of a pip nothing moves, and dividing by it would make noise of rounding."""

MOST = 10.0
"""Features and targets beyond ten usual moves are cut there, so that one gap does not rule a model."""

LEAST_PRICE, MOST_PRICE, MOST_VOLUME = 1e-12, 1e12, 1e15
"""What lies outside is no market's; inside, no ratio or sum of a window overflows."""


def require_prices(bars: "Bars") -> None:
    """Raises `NotANumber` for a price that is none, or that has no logarithm."""
    import numpy as np

    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    sound = ((prices >= LEAST_PRICE) & (prices <= MOST_PRICE)).all(axis=0)  # false for NaN, too
    sound &= (bars.volume >= 0) & (bars.volume <= MOST_VOLUME)
    if not sound.all():
        from datetime import UTC, datetime

        opening = datetime.fromtimestamp(int(bars.time[~sound][0]), tz=UTC)
        raise NotANumber(
            f"the bar of {opening:%Y-%m-%dT%H:%M:%SZ} holds a price or volume no return can be computed from",
            field="config.bars",
            hint="prices must be above zero and volumes not below it, and both of a size a market has",
        )


def volatility(close: "Column") -> "Column":
    """Root mean square of the last `VOLATILITY_BARS` log returns, per bar; NaN in the first rows."""
    import numpy as np

    returns = _log_returns(close)
    return np.maximum(np.sqrt(_mean(returns * returns, VOLATILITY_BARS)), LEAST_VOLATILITY)


def matrix(bars: "Bars") -> "NDArray[np.float32]":
    """`(bars, features)`; rows before `WARMUP - 1` hold NaN. Prices must have passed `require_prices`."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        columns = _columns(bars)
    made = np.stack([columns[name] for name in FEATURES], axis=1)
    made[: WARMUP - 1] = np.nan
    return np.clip(made, -MOST, MOST).astype(np.float32)


def _columns(bars: "Bars") -> "dict[str, Column]":
    import numpy as np

    close, high, low = bars.close, bars.high, bars.low
    returns, sigma = _log_returns(close), volatility(close)
    columns = {f"return_{lag + 1}": _before(returns, lag) / sigma for lag in range(5)}
    for length in (10, 20, 50):
        columns[f"return_sum_{length}"] = np.log(close / _before(close, length)) / (sigma * np.sqrt(length))
    columns["volatility_ratio"] = np.log(np.maximum(np.sqrt(_mean(returns * returns, 10)), LEAST_VOLATILITY) / sigma)
    last = _before(close, 1)
    true_range = np.maximum(high, last) - np.minimum(low, last)
    # What the price cannot move in is no unit: a still market's distances are zero, not infinite.
    atr = np.maximum(_mean(true_range, 14), LEAST_VOLATILITY * close)
    columns["range_atr"] = (high - low) / atr
    columns["close_in_bar"] = _ratio(2 * close - high - low, high - low)
    changes = close - last
    columns["rsi_14"] = _ratio(_mean(changes, 14), _mean(np.abs(changes), 14))
    for length in (10, 20, 50):
        columns[f"sma_{length}_distance"] = (close - _mean(close, length)) / atr
    top, bottom = _extreme(high, 20, np.maximum), _extreme(low, 20, np.minimum)
    columns["channel_20"] = _ratio(2 * close - top - bottom, top - bottom)
    columns["volume_ratio"] = np.log((bars.volume + 1.0) / (_mean(bars.volume, 20) + 1.0))
    hour = (bars.time % 86_400) / 86_400 * 2 * np.pi
    # The epoch was a Thursday; only the circle matters.
    weekday = (bars.time // 86_400 % 7) / 7 * 2 * np.pi
    columns["hour_sin"], columns["hour_cos"] = np.sin(hour), np.cos(hour)
    columns["weekday_sin"], columns["weekday_cos"] = np.sin(weekday), np.cos(weekday)
    return columns


def _log_returns(close: "Column") -> "Column":
    import numpy as np

    return np.log(close / _before(close, 1))


def _before(column: "Column", bars: int) -> "Column":
    """Each row's value so many bars earlier; NaN where there was none."""
    import numpy as np

    if bars == 0:
        return column
    shifted = np.full_like(column, np.nan)
    shifted[bars:] = column[:-bars]
    return shifted


def _mean(column: "Column", length: int) -> "Column":
    """Mean of the last `length` rows, added newest first: a running sum would carry rounding from long before."""
    total = column.copy()
    for lag in range(1, length):
        total += _before(column, lag)
    return total / length


def _extreme(column: "Column", length: int, of: "np.ufunc") -> "Column":
    found = column.copy()
    for lag in range(1, length):
        found = of(found, _before(column, lag))
    return found


def _ratio(part: "Column", whole: "Column") -> "Column":
    """Their quotient, 0 where the whole is 0."""
    import numpy as np

    return np.divide(part, whole, out=np.where(np.isnan(whole), np.nan, 0.0), where=whole != 0)
