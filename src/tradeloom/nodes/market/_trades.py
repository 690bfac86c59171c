"""What a list of closed trades adds up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from tradeloom.trading.exact import exact

if TYPE_CHECKING:
    from tradeloom.trading.broker import ClosedTrade

_RATIO_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Totals:
    """Over trades in the order they were closed. A trade is won or lost by its net profit: swap and commission count.

    `win_rate` is in percent of all trades, breakeven ones included; `profit_factor` is gross profit over gross loss
    (both net of costs), None without losses. `streak` is how many were won in a row up to now, negative for lost ones;
    a breakeven trade ends a streak.
    """

    count: int
    wins: int
    losses: int
    win_rate: float | None
    profit: float
    swap: float
    commission: float
    net_profit: float
    gross_profit: float
    gross_loss: float
    profit_factor: float | None
    average_win: float | None
    average_loss: float | None
    best: float | None
    worst: float | None
    streak: int
    longest_win_streak: int
    longest_loss_streak: int

    @classmethod
    def of(cls, trades: Sequence["ClosedTrade"]) -> "Totals":
        nets = [exact(trade.profit) + exact(trade.swap) + exact(trade.commission) for trade in trades]
        won = [net for net in nets if net > 0]
        lost = [net for net in nets if net < 0]
        gained, given = _sum(won), -_sum(lost)
        runs = list(_runs(nets))
        return cls(
            count=len(nets),
            wins=len(won),
            losses=len(lost),
            win_rate=_ratio(Decimal(100 * len(won)), len(nets)),
            profit=float(_sum(exact(trade.profit) for trade in trades)),
            swap=float(_sum(exact(trade.swap) for trade in trades)),
            commission=float(_sum(exact(trade.commission) for trade in trades)),
            net_profit=float(_sum(nets)),
            gross_profit=float(gained),
            gross_loss=float(given),
            profit_factor=_ratio(gained, given),
            average_win=_ratio(gained, len(won)),
            average_loss=_ratio(given, len(lost)),
            best=float(max(nets)) if nets else None,
            worst=float(min(nets)) if nets else None,
            streak=runs[-1] if runs else 0,
            longest_win_streak=max(0, *runs, 0),
            longest_loss_streak=-min(0, *runs, 0),
        )


def _runs(nets: Iterable[Decimal]) -> Iterable[int]:
    """The streak as it stands after each trade."""
    run = 0
    for net in nets:
        sign = (net > 0) - (net < 0)
        run = run + sign if sign and run * sign > 0 else sign
        yield run


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _ratio(over: Decimal, under: Decimal | int) -> float | None:
    return float((over / under).quantize(_RATIO_STEP, ROUND_HALF_EVEN)) if under else None
