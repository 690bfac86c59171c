"""What is open and what waits on an account, and what that is worth."""

from decimal import Decimal

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model
from tradeloom.trading.intents import PendingType, Side


class HeldPosition(Model):
    """An open position, whoever opened it."""

    ticket: int
    symbol: str
    side: Side
    volume: Decimal = Field(description="In lots.")
    price_open: float
    price_current: float = Field(description="What it would close at now.")
    stop_loss: float | None
    take_profit: float | None
    profit: float = Field(description="Floating, in the account's currency, without swap.")
    swap: float
    opened_at: AwareDatetime
    workflow_id: str | None = Field(description="Whose order opened it; null for anyone else's.")
    comment: str


class WaitingOrder(Model):
    """An order resting at the broker, whoever placed it."""

    ticket: int
    symbol: str
    type: PendingType
    side: Side
    volume: Decimal = Field(description="Lots asked for.")
    remaining: Decimal = Field(description="Lots not filled yet.")
    price: float = Field(description="Where it waits.")
    price_current: float = Field(description="The market's, on its side.")
    stop_loss: float | None
    take_profit: float | None
    placed_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(description="Null: it rests until it is cancelled.")
    workflow_id: str | None = Field(description="Whose order it is; null for anyone else's.")


class SymbolExposure(Model):
    """What is held in one symbol, and what waits. Lots; `worth` as the risk gate counts it against `max_exposure`."""

    symbol: str
    long: Decimal
    short: Decimal
    buying: Decimal = Field(description="Of pending orders.")
    selling: Decimal = Field(description="Of pending orders.")
    worth: float | None = Field(
        description="In the account's currency, every pending order counted as filled; null where the broker cannot "
        "value it."
    )


class Holdings(Model):
    """An account's positions and pending orders, the earliest first."""

    account: str
    currency: str
    positions: list[HeldPosition]
    orders: list[WaitingOrder]
    exposure: list[SymbolExposure] = Field(description="By symbol.")
    worth: float | None = Field(description="Of all symbols; null where one of them cannot be valued.")
