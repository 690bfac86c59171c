"""Exact arithmetic where money, prices and volumes decide."""

from decimal import Decimal


def exact(number: float) -> Decimal:
    """The decimal a person would read: 0.1 is 0.1, not 0.1000000000000000055."""
    return Decimal(repr(float(number)))
