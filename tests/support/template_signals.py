"""Where the templates first send an order on the bundled prices, from `START` on."""

from datetime import UTC, datetime
from typing import Final

START: Final = datetime(2017, 8, 30, 7, tzinfo=UTC)

SIGNALS: Final = {
    "adx_trend_strength": START,
    "ichimoku_cloud": START,
    "london_range_breakout": START,
    "stochastic_pullback": datetime(2017, 8, 30, 10, tzinfo=UTC),
    "vwap_reversion": datetime(2017, 8, 30, 12, tzinfo=UTC),
    "candle_reversal": datetime(2017, 8, 30, 18, tzinfo=UTC),
    "turtle_breakout": datetime(2017, 8, 31, 4, tzinfo=UTC),
    "supertrend_follower": datetime(2017, 8, 31, 19, tzinfo=UTC),
    "multi_timeframe_trend": datetime(2017, 8, 31, 20, tzinfo=UTC),
}
"""By time: a market goes forward only."""

OPEN_NOTHING: Final = frozenset({"account_guardian", "position_keeper"})
LEARN: Final = frozenset({"forecast_filter"})
"""Training on each bar takes too long to look for a signal; they are run once."""
