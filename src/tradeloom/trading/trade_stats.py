"""What closed trades add up to, to the last cent. Every closing deal is a trade, as in MetaTrader's own report."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

GroupBy = Literal["account", "workflow", "version"]
"""What trades are added up by."""

_STEP = Decimal("0.000001")
_CENT = Decimal("0.01")
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class ClosedResult:
    """What one trade made: `net` after all costs in the account's currency, `r` times its first risk where known."""

    closed_at: datetime
    net: Decimal
    r: Decimal | None


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """Over trades in the order they were closed; a trade is won or lost by its net.

    `win_rate` is in percent of all trades, breakeven ones included; `profit_factor` is gross profit over gross loss,
    None without losses; `expectancy` is net over count, what a trade made on average; `average_r` is over the `r_count`
    trades that had a stop at entry; `max_drawdown` is the deepest fall of the running sum of nets below its highest
    point so far (which begins at zero), a positive amount. Ratios are rounded to six places, averages to cents.
    """

    count: int
    wins: int
    losses: int
    net: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    average_r: Decimal | None
    r_count: int
    max_drawdown: Decimal
    first_closed_at: datetime | None
    last_closed_at: datetime | None

    @classmethod
    def of(cls, trades: Iterable[ClosedResult]) -> "TradeStatistics":
        count = wins = losses = r_count = 0
        gained = lost = r_sum = running = peak = drawdown = _NOTHING
        first = last = None
        for trade in trades:
            count += 1
            first, last = first or trade.closed_at, trade.closed_at
            if trade.net > 0:
                wins, gained = wins + 1, gained + trade.net
            elif trade.net < 0:
                losses, lost = losses + 1, lost - trade.net
            if trade.r is not None:
                r_count, r_sum = r_count + 1, r_sum + trade.r
            running += trade.net
            peak = max(peak, running)
            drawdown = max(drawdown, peak - running)
        return cls(
            count=count,
            wins=wins,
            losses=losses,
            net=running,
            gross_profit=gained,
            gross_loss=lost,
            win_rate=_over(Decimal(100 * wins), count, _STEP),
            profit_factor=_over(gained, lost, _STEP),
            expectancy=_over(running, count, _CENT),
            average_win=_over(gained, wins, _CENT),
            average_loss=_over(lost, losses, _CENT),
            average_r=_over(r_sum, r_count, _STEP),
            r_count=r_count,
            max_drawdown=drawdown,
            first_closed_at=first,
            last_closed_at=last,
        )


def _over(amount: Decimal, by: Decimal | int, step: Decimal) -> Decimal | None:
    return (amount / by).quantize(step, ROUND_HALF_EVEN) if by else None
