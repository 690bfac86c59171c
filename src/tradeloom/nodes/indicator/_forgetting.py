"""How many bars each of TA-Lib's functions takes until the start of history no longer shows in it.

Arithmetic on the drawn parameters only: the compiler asks when a workflow is saved, where TA-Lib is not at hand. Each
figure covers the function's lookback and may be longer than need be, never shorter.
"""

import math
from collections.abc import Callable, Mapping

from tradeloom.nodes.indicator._functions import AVERAGES, Function
from tradeloom.nodes.indicator._memory import TRAIL, decay_memory, ema_memory, wilder_memory

Decay = Callable[[int], int]

HILBERT = 1_000
"""Ehlers' Hilbert transforms measure the cycle's length with averages that depend on the length measured: no closed
form, but after 600 bars of real markets nothing was left of the start."""
KAUFMAN = 2_400
"""Kaufman's average keeps most where the market is noisiest; this is for an efficiency ratio of 0.1 throughout."""

_FIXED = {
    **dict.fromkeys(("HT_DCPERIOD", "HT_DCPHASE", "HT_PHASOR", "HT_SINE", "HT_TRENDLINE", "HT_TRENDMODE"), HILBERT),
    "HA": decay_memory(0.5, 2),
    "SAR": TRAIL,
    "SAREXT": TRAIL,
}


def _exponential(times: int) -> Decay:
    return lambda period: times * ema_memory(period)


def _window(times: int) -> Decay:
    return lambda period: times * period


def _wilder(times: int) -> Decay:
    return lambda period: times * wilder_memory(period)


_DECAYS: dict[str, Decay] = {
    **dict.fromkeys(("ADOSC", "CVI", "EFI", "EMA", "ERI", "MACD", "MACDFIX", "SMI", "TSI"), _exponential(1)),
    **dict.fromkeys(("DEMA", "MASSI", "ZLEMA"), _exponential(2)),
    **dict.fromkeys(("TEMA", "TRIX"), _exponential(3)),
    "T3": _exponential(6),
    "KAMA": lambda period: KAUFMAN + period,
    **dict.fromkeys(
        ("ATR", "CMO", "KC", "MINUS_DM", "NATR", "PLUS_DM", "RMA", "RSI", "RVI", "STOCHRSI"),
        _wilder(1),
    ),
    **dict.fromkeys(("DX", "MINUS_DI", "PLUS_DI"), _wilder(1)),
    **dict.fromkeys(("ADX", "ADXR"), _wilder(3)),
    "SUPERTREND": lambda period: wilder_memory(period) + TRAIL,
    "HMA": _window(2),
}
"""What a period of a function comes to; a plain window of bars where nothing is said."""

_AVERAGES: dict[str, Decay] = {
    "EMA": _exponential(1),
    "DEMA": _exponential(2),
    "TEMA": _exponential(3),
    "KAMA": lambda period: KAUFMAN + period,
    "MAMA": lambda _: _mesa(0.05),
    "T3": _exponential(6),
    "HMA": _window(2),
    "ZLEMA": _exponential(2),
    "RMA": _wilder(1),
}


def bars_remembered(function: Function, values: Mapping[str, float | str | None]) -> int:
    """Bars before the first wanted one, for these parameters; a value of None is unknown and counts as its worst."""
    if function.name == "MAMA":
        return _mesa(min(_least(function, name, values) for name in ("fastlimit", "slowlimit")))
    if function.name == "MACDFIX":
        return ema_memory(26) + ema_memory(int(_most(function, "signalperiod", values)))
    decays = [_DECAYS.get(function.name, _window(1))]
    for parameter in function.parameters:
        if parameter.kind == "average":
            kind = values[parameter.name]
            decays += [_AVERAGES.get(name, _window(1)) for name in ([str(kind)] if kind is not None else AVERAGES)]
    periods = [
        int(_most(function, parameter.name, values)) for parameter in function.parameters if parameter.kind == "integer"
    ]
    # One bar for a change from the close before, one for the value before the last.
    return 2 + _FIXED.get(function.name, 0) + sum(max(decay(period) for decay in decays) for period in periods)


def _mesa(slow_limit: float) -> int:
    """Bars for MESA's adaptive average: it keeps at most 1-slow_limit, and its follower 1-slow_limit/2."""
    return HILBERT + decay_memory(1 - slow_limit, 1) + decay_memory(1 - slow_limit / 2, 1)


def _most(function: Function, name: str, values: Mapping[str, float | str | None]) -> float:
    value = values[name]
    parameter = next(each for each in function.parameters if each.name == name)
    return parameter.most if value is None else float(value)


def _least(function: Function, name: str, values: Mapping[str, float | str | None]) -> float:
    value = values[name]
    parameter = next(each for each in function.parameters if each.name == name)
    found = parameter.least if value is None else float(value)
    return found if math.isfinite(found) else 0.0
