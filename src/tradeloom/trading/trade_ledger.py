"""The trade ledger: what became of each part of a position that was closed, as the broker's own history tells it.

One record a closing deal. Money is in the account's currency, exact, costs negative: `net` is what the trade moved the
balance by, over its whole life. A netting position has one mean entry price, as the broker reckons it; whatever closes
it closes at that price (not first in, first out), and it belongs to the workflow whose order opened it.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

MOST_TICKETS = 100
"""Entry tickets and ids that one record lists; a netting position may have grown by more."""
R_STEP = Decimal("0.0001")

ExitReason = Literal[
    "stop_loss",
    "take_profit",
    "stop_out",
    "workflow",
    "guard",
    "flatten",
    "close_by",
    "manual",
    "program",
    "broker",
    "other",
]
"""Stops are the broker's; `workflow` is an order of ours (a close node, or an opposite order on a netting account),
`guard` a partial close beside the terminal, `flatten` the kill switch, `close_by` an opposite position, `manual` a
person's hand in terminal, phone or web, `program` another program, `broker` a rollover, a split and their like."""

GuardName = Literal["trailing", "break_even", "partial_close"]


class TradeRecord(BaseModel):
    """A position, or the part `volume` of it, from its opening to the deal `deal` that closed it.

    `held` lots were open before that deal and `left` after it: a part was closed where something is left.
    `entry_requested` and `exit_requested` are the lots the first opening order and the closing order asked for, so
    that a partial fill shows. What the history does not reach back to is None, and the opening's costs are then not
    in `net`.

    `stop_loss` is the stop the opening order was sent with; `guard` is what closed, or what had moved the stop that
    did. `mixed`: others than this workflow's orders added to the position.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    account: str
    currency: str
    deal: int
    position: int
    symbol: str
    side: Side
    volume: Decimal
    held: Decimal | None
    left: Decimal | None
    price_open: float | None
    price_close: float
    opened_at: AwareDatetime | None
    closed_at: AwareDatetime
    gross: Decimal
    swap: Decimal
    commission_open: Decimal
    commission_close: Decimal
    fee: Decimal
    net: Decimal
    reason: ExitReason
    guard: GuardName | None = None
    stop_loss: float | None = None
    r_multiple: Decimal | None = None
    entries: int
    entry_orders: tuple[int, ...] = ()
    entry_deals: tuple[int, ...] = ()
    entry_requested: Decimal | None = None
    exit_order: int
    exit_requested: Decimal | None = None
    entry_client_order_ids: tuple[str, ...] = ()
    exit_client_order_id: str | None = None
    workflow_id: str | None = None
    workflow_version: str | None = None
    execution_id: str | None = None
    entry_node: str | None = None
    exit_workflow_id: str | None = None
    exit_workflow_version: str | None = None
    exit_execution_id: str | None = None
    exit_node: str | None = None
    mixed: bool = False
    magic: int
    comment: str

    @property
    def commission(self) -> Decimal:
        return self.commission_open + self.commission_close

    @property
    def duration_s(self) -> float | None:
        return None if self.opened_at is None else (self.closed_at - self.opened_at).total_seconds()


def r_multiple(side: Side, price_open: float, price_close: float, stop_loss: float) -> Decimal | None:
    """How many times the distance to the first stop the trade has made, by prices: (exit - entry) / (entry - stop).

    Costs are not in it. None where the stop was not on the losing side of the entry, so that nothing was risked by it.
    """
    entry, stop = exact(price_open), exact(stop_loss)
    risk = entry - stop if side is Side.BUY else stop - entry
    if risk <= 0:
        return None
    made = exact(price_close) - entry if side is Side.BUY else entry - exact(price_close)
    return (made / risk).quantize(R_STEP, ROUND_HALF_EVEN)
