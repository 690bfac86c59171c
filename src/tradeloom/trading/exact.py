"""Exact arithmetic where money, prices and volumes decide."""

from decimal import Decimal
from functools import lru_cache


@lru_cache(maxsize=4096)  # lots, steps, points and prices come again and again
def exact(number: float) -> Decimal:
    """The decimal a person would read: 0.1 is 0.1, not 0.1000000000000000055. Zero has no sign."""
    return Decimal(repr(float(number) or 0.0))
