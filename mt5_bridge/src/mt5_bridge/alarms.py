"""Prices at which a replay stops by itself, so that whoever watches a position sees every quote that matters.

Without them a replay that is advanced by a week, or runs at a thousand times real time, would show a watcher only the
end of each leap.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pydantic import BaseModel, ConfigDict, Field


class Alarm(BaseModel):
    """Of one symbol: rings at a bid of at least `bid_from`, or an ask of at most `ask_to`; None never rings. A
    `bid_from` of zero rings at every quote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bid_from: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    ask_to: Decimal | None = Field(default=None, allow_inf_nan=False)

    def also(self, other: "Alarm") -> "Alarm":
        """Rings when either does."""
        bids = [bid for bid in (self.bid_from, other.bid_from) if bid is not None]
        asks = [ask for ask in (self.ask_to, other.ask_to) if ask is not None]
        return Alarm(bid_from=min(bids, default=None), ask_to=max(asks, default=None))

    def in_points(self, point: Decimal) -> "PointAlarm":
        bid = None if self.bid_from is None else int((self.bid_from / point).to_integral_value(ROUND_CEILING))
        ask = None if self.ask_to is None else int((self.ask_to / point).to_integral_value(ROUND_FLOOR))
        return PointAlarm(bid, ask)


class PointAlarm:
    """An alarm on prices that are whole points."""

    __slots__ = ("_ask_to", "_bid_from")

    def __init__(self, bid_from: int | None, ask_to: int | None) -> None:
        self._bid_from = bid_from
        self._ask_to = ask_to

    def rings(self, bid: int, ask: int) -> bool:
        return (self._bid_from is not None and bid >= self._bid_from) or (
            self._ask_to is not None and ask <= self._ask_to
        )


ANY_QUOTE = Alarm(bid_from=Decimal(0))
