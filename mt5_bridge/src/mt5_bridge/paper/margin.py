"""Margin of the positions in one symbol, and what it would be after another fill. Pure.

Hedged volume follows MetaTrader's help: the longer side's surplus is charged in full at that side's average, the
volume present on both sides at the average of all, scaled by the symbol's hedged share.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Leg:
    """`volume` lots on one side, with the margin of a lot as fixed when it opened."""

    is_long: bool
    volume: Decimal
    margin_per_lot: Decimal


def margin_of(legs: Iterable[Leg], hedged_ratio: Decimal) -> Decimal:
    """Margin of all legs together, not rounded."""
    volume = {True: ZERO, False: ZERO}
    charge = {True: ZERO, False: ZERO}
    for leg in legs:
        volume[leg.is_long] += leg.volume
        charge[leg.is_long] += leg.volume * leg.margin_per_lot
    total = volume[True] + volume[False]
    if not total:
        return ZERO
    longer = volume[True] >= volume[False]
    hedged = volume[not longer]
    surplus = volume[longer] - hedged
    average_all = (charge[True] + charge[False]) / total
    return surplus * charge[longer] / volume[longer] + hedged * average_all * hedged_ratio


def netted(legs: list[Leg], fill: Leg) -> list[Leg]:
    """The legs of a netting position after a fill: none or one in, none or one out."""
    if not legs:
        return [fill]
    held = legs[0]
    if held.is_long == fill.is_long:
        volume = held.volume + fill.volume
        charge = held.volume * held.margin_per_lot + fill.volume * fill.margin_per_lot
        return [Leg(held.is_long, volume, charge / volume)]
    if fill.volume < held.volume:
        return [replace(held, volume=held.volume - fill.volume)]
    if fill.volume == held.volume:
        return []
    return [replace(fill, volume=fill.volume - held.volume)]
