"""TA-Lib's 61 candlestick patterns, by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars


@dataclass(frozen=True, slots=True)
class Candlestick:
    """`bars` is how many candles form it; `directed` is False where TA-Lib's sign says no direction (a doji is always
    positive, a spinning top has the sign of its colour); `penetration` is TA-Lib's default where it takes one."""

    function: str
    bars: int
    directed: bool = True
    penetration: float | None = None


CANDLESTICKS: dict[str, Candlestick] = {
    "two_crows": Candlestick("CDL2CROWS", 3),
    "three_black_crows": Candlestick("CDL3BLACKCROWS", 4),
    "three_inside": Candlestick("CDL3INSIDE", 3),
    "three_line_strike": Candlestick("CDL3LINESTRIKE", 4),
    "three_outside": Candlestick("CDL3OUTSIDE", 3),
    "three_stars_in_south": Candlestick("CDL3STARSINSOUTH", 3),
    "three_white_soldiers": Candlestick("CDL3WHITESOLDIERS", 3),
    "abandoned_baby": Candlestick("CDLABANDONEDBABY", 3, penetration=0.3),
    "advance_block": Candlestick("CDLADVANCEBLOCK", 3),
    "belt_hold": Candlestick("CDLBELTHOLD", 1),
    "breakaway": Candlestick("CDLBREAKAWAY", 5),
    "closing_marubozu": Candlestick("CDLCLOSINGMARUBOZU", 1),
    "concealing_baby_swallow": Candlestick("CDLCONCEALBABYSWALL", 4),
    "counterattack": Candlestick("CDLCOUNTERATTACK", 2),
    "dark_cloud_cover": Candlestick("CDLDARKCLOUDCOVER", 2, penetration=0.5),
    "doji": Candlestick("CDLDOJI", 1, directed=False),
    "doji_star": Candlestick("CDLDOJISTAR", 2),
    "dragonfly_doji": Candlestick("CDLDRAGONFLYDOJI", 1, directed=False),
    "engulfing": Candlestick("CDLENGULFING", 2),
    "evening_doji_star": Candlestick("CDLEVENINGDOJISTAR", 3, penetration=0.3),
    "evening_star": Candlestick("CDLEVENINGSTAR", 3, penetration=0.3),
    "gap_side_by_side_white": Candlestick("CDLGAPSIDESIDEWHITE", 3),
    "gravestone_doji": Candlestick("CDLGRAVESTONEDOJI", 1, directed=False),
    "hammer": Candlestick("CDLHAMMER", 2),
    "hanging_man": Candlestick("CDLHANGINGMAN", 2),
    "harami": Candlestick("CDLHARAMI", 2),
    "harami_cross": Candlestick("CDLHARAMICROSS", 2),
    "high_wave": Candlestick("CDLHIGHWAVE", 1, directed=False),
    "hikkake": Candlestick("CDLHIKKAKE", 3),
    "modified_hikkake": Candlestick("CDLHIKKAKEMOD", 4),
    "homing_pigeon": Candlestick("CDLHOMINGPIGEON", 2),
    "identical_three_crows": Candlestick("CDLIDENTICAL3CROWS", 3),
    "in_neck": Candlestick("CDLINNECK", 2),
    "inverted_hammer": Candlestick("CDLINVERTEDHAMMER", 2),
    "kicking": Candlestick("CDLKICKING", 2),
    "kicking_by_length": Candlestick("CDLKICKINGBYLENGTH", 2),
    "ladder_bottom": Candlestick("CDLLADDERBOTTOM", 5),
    "long_legged_doji": Candlestick("CDLLONGLEGGEDDOJI", 1, directed=False),
    "long_line": Candlestick("CDLLONGLINE", 1),
    "marubozu": Candlestick("CDLMARUBOZU", 1),
    "matching_low": Candlestick("CDLMATCHINGLOW", 2),
    "mat_hold": Candlestick("CDLMATHOLD", 5, penetration=0.5),
    "morning_doji_star": Candlestick("CDLMORNINGDOJISTAR", 3, penetration=0.3),
    "morning_star": Candlestick("CDLMORNINGSTAR", 3, penetration=0.3),
    "on_neck": Candlestick("CDLONNECK", 2),
    "piercing": Candlestick("CDLPIERCING", 2),
    "rickshaw_man": Candlestick("CDLRICKSHAWMAN", 1, directed=False),
    "rising_falling_three_methods": Candlestick("CDLRISEFALL3METHODS", 5),
    "separating_lines": Candlestick("CDLSEPARATINGLINES", 2),
    "shooting_star": Candlestick("CDLSHOOTINGSTAR", 2),
    "short_line": Candlestick("CDLSHORTLINE", 1, directed=False),
    "spinning_top": Candlestick("CDLSPINNINGTOP", 1, directed=False),
    "stalled": Candlestick("CDLSTALLEDPATTERN", 3),
    "stick_sandwich": Candlestick("CDLSTICKSANDWICH", 3),
    "takuri": Candlestick("CDLTAKURI", 1, directed=False),
    "tasuki_gap": Candlestick("CDLTASUKIGAP", 3),
    "thrusting": Candlestick("CDLTHRUSTING", 2),
    "tristar": Candlestick("CDLTRISTAR", 3),
    "unique_three_river": Candlestick("CDLUNIQUE3RIVER", 3),
    "upside_gap_two_crows": Candlestick("CDLUPSIDEGAP2CROWS", 3),
    "gap_three_methods": Candlestick("CDLXSIDEGAP3METHODS", 3),
}

LOOKBACK = 14
"""Bars the hungriest of TA-Lib's functions needs before its first answer."""


def candlesticks(
    bars: "Bars", name: str, first: int, end: int, penetration: float | None = None
) -> Iterator[tuple[int, int]]:
    """`(position in bars, TA-Lib's number)` wherever the pattern shows in rows `first` to `end`.

    The number is ±100, ±80 where the candles only just qualify (harami, engulfing), ±200 where a hikkake is confirmed;
    its sign is TA-Lib's.
    """
    pattern = CANDLESTICKS[name]
    columns = (column[first:end] for column in (bars.open, bars.high, bars.low, bars.close))
    options = {}
    if pattern.penetration is not None:
        options["penetration"] = pattern.penetration if penetration is None else penetration
    numbers = getattr(talib(), pattern.function)(*columns, **options)
    for row in numbers.nonzero()[0].tolist():
        yield first + row, int(numbers[row])
