"""How much history an indicator remembers, from its configuration as drawn."""

import math
from collections.abc import Mapping
from typing import Any

from annotated_types import Le

from tradeloom.nodes.base import NodeConfig

_BITS = 53
"""A double's precision: what has decayed by 2**-53 no longer shows."""


TRAIL = 500
"""A trailing line (SAR, Supertrend) forgets at each reversal of the market: bars in which several surely happen."""


def ema_memory(period: int) -> int:
    """Bars until an exponential average (weight 2/(period+1)) has forgotten its start: 3,674 for 200."""
    return decay_memory(1 - 2 / (period + 1), period)


def wilder_memory(period: int) -> int:
    """Bars until Wilder's average (weight 1/period) has forgotten its start: 496 for 14."""
    return decay_memory(1 - 1 / period, period)


def decay_memory(kept: float, period: int) -> int:
    """Bars until a recursion that keeps this part of itself a bar, started on `period` bars, has forgotten them."""
    # The average starts as a simple one over `period` changes, so even one that keeps nothing needs those.
    least = period + 1
    return max(least, math.ceil(_BITS * math.log(2) / -math.log(kept))) if kept > 0 else least


def worst_case(model: type[NodeConfig], config: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """`({field: value}, all known)`: a number that has no value yet (an expression) takes its upper bound, anything
    else takes None."""
    values: dict[str, Any] = {}
    known = True
    for name, declared in model.model_fields.items():
        if declared.is_required():
            continue
        raw = config.get(name, declared.default)
        if isinstance(declared.default, int | float) and not isinstance(declared.default, bool):
            number = _number(raw)
            bound = next(limit.le for limit in declared.metadata if isinstance(limit, Le))
            values[name] = bound if number is None else min(number, bound)
            known &= number is not None
        else:
            unresolved = isinstance(raw, str) and (raw.startswith("=") or "{{" in raw)
            values[name] = None if unresolved else raw
            known &= not unresolved
    return values, known


def _number(raw: Any) -> Any:
    """A number as drawn, or None where it is an expression (or nothing a number can be made of)."""
    try:
        number = float(raw)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number) or number <= 0:
        return None
    return int(number) if number.is_integer() else number
