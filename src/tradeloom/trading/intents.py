"""Order intents: what a node wants to happen at the broker, named so that it can happen only once."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

MAX_RESENDS = 2
"""How often an order that was certainly not sent may be stood in for."""
MAGIC_BITS = 52
"""MetaTrader's magic number carries this many bits of the id: below 2**53, so JSON numbers keep it exact."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OutcomeStatus(StrEnum):
    """What became of an intent. UNKNOWN means sent, and nobody knows yet: never a reason to send again.

    PLACED is a pending order resting at the broker, or a market order that is accepted and not filled. CANCELLED and
    EXPIRED are pending orders that rested and left with nothing filled.
    """

    DONE = "done"
    PARTIAL = "partial"
    PLACED = "placed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class PendingType(StrEnum):
    """LIMIT waits for a better price, STOP for a worse one; STOP_LIMIT places a limit order at its stop."""

    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class Expiry(StrEnum):
    """How long a pending order rests: until cancelled, to the end of the broker's day, or to a given moment."""

    GTC = "gtc"
    DAY = "day"
    SPECIFIED = "specified"


Cause = Literal["node", "trailing", "break_even", "partial_close", "flatten"]
"""What made an order: a node that ran, a guard the node had set, or a flatten of the account."""


def client_order_id(execution_id: str, node_id: str, iteration: Sequence[int] = ()) -> str:
    """The same 32 hex digits for the same (execution, node, iteration), whoever asks and however often."""
    key = "\x1f".join([execution_id, node_id, ",".join(str(step) for step in iteration)])
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def resend_id(order_id: str) -> str:
    """The id of the one order that may stand in for an order that was not sent: whoever asks gets the same."""
    return hashlib.sha256(f"{order_id}\x1fagain".encode()).hexdigest()[:32]


@lru_cache(maxsize=1024)
@lru_cache(maxsize=1024)  # asked again and again of the orders under way
def magic_number(order_id: str) -> int:
    """52-bit magic derived from the client order id; survives a broker that rewrites comments."""
    digest = hashlib.sha256(order_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - MAGIC_BITS)


class _Intent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    client_order_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    account: str
    execution_id: str
    workflow_id: str
    workflow_version: str | None = Field(default=None, max_length=500)
    """The version that decided; None in intents from before versions were told."""
    node_id: str
    cause: Cause = "node"
    created_at: AwareDatetime
    deadline: AwareDatetime
    """Market time after which the bridge refuses to send."""
    resend_of: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    """The id this stands in for, once that one is certain never to be sent; see `resend_id`."""

    @property
    def magic(self) -> int:
        return magic_number(self.client_order_id)

    @property
    def origin(self) -> tuple[str, str, str, str]:
        """Whose order this is: the account, and the workflow's node in the execution. One id has one origin."""
        return self.account, self.workflow_id, self.execution_id, self.node_id

    @property
    def comment(self) -> str:
        """At most 27 ASCII characters: brokers cut longer ones."""
        return f"tl {self.client_order_id[:16]}"


class MarketOrderIntent(_Intent):
    """Buy or sell at market. `volume` in lots; `stop_loss` and `take_profit` are prices; `deviation` in points."""

    kind: Literal["market"] = "market"
    symbol: str = Field(min_length=1, max_length=29)
    side: Side
    volume: Decimal = Field(gt=0)
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    deviation: int = Field(default=20, ge=0)


class CloseIntent(_Intent):
    """Close a position, wholly, or `volume` lots or `percent` of what is open when it is sent; by its ticket."""

    kind: Literal["close"] = "close"
    symbol: str = Field(min_length=1, max_length=29)
    position: int = Field(gt=0, lt=2**63)
    volume: Decimal | None = Field(default=None, gt=0)
    percent: Decimal | None = Field(default=None, gt=0, lt=100)
    deviation: int = Field(default=20, ge=0)

    @model_validator(mode="after")
    def _says_how_much_once(self) -> Self:
        if self.volume is not None and self.percent is not None:
            raise ValueError("a part is given in lots or in percent, not both")
        return self


class PendingOrderIntent(_Intent):
    """Place an order that waits at `price` (the limit, or the stop). `volume` in lots, stops are prices.

    `limit_price` is the limit a STOP_LIMIT places once its stop is reached; `expires_at` goes with SPECIFIED.
    """

    kind: Literal["pending"] = "pending"
    symbol: str = Field(min_length=1, max_length=29)
    side: Side
    type: PendingType
    volume: Decimal = Field(gt=0)
    price: Decimal = Field(gt=0)
    limit_price: Decimal | None = Field(default=None, gt=0)
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    expiry: Expiry = Expiry.GTC
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.type is PendingType.STOP_LIMIT) != (self.limit_price is not None):
            raise ValueError("a stop-limit order, and only it, has a limit_price")
        _check_expiry(self.expiry, self.expires_at)
        return self


class ModifyIntent(_Intent):
    """Change the stops of a position, or the terms of a pending order. `ticket` is the position's or the order's;
    `symbol`, when given, must be its symbol.

    None leaves a term as it is; `remove_stop_loss` and `remove_take_profit` take one away. Without `allow_widening`
    the stop loss may only come nearer: a change that lets more be lost than before is refused.
    """

    kind: Literal["modify"] = "modify"
    symbol: str | None = Field(default=None, min_length=1, max_length=29)
    target: Literal["position", "order"]
    ticket: int = Field(gt=0, lt=2**63)
    stop_loss: Decimal | None = Field(default=None, gt=0)
    take_profit: Decimal | None = Field(default=None, gt=0)
    remove_stop_loss: bool = False
    remove_take_profit: bool = False
    price: Decimal | None = Field(default=None, gt=0)
    limit_price: Decimal | None = Field(default=None, gt=0)
    expiry: Expiry | None = None
    expires_at: AwareDatetime | None = None
    allow_widening: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        terms = (self.price, self.limit_price, self.expiry)
        if self.target == "position" and any(term is not None for term in terms):
            raise ValueError("a position has no price, limit_price or expiry to change")
        if (self.remove_stop_loss and self.stop_loss) or (self.remove_take_profit and self.take_profit):
            raise ValueError("a stop is either set or removed")
        changes = (
            *terms,
            self.stop_loss,
            self.take_profit,
            self.remove_stop_loss or None,
            self.remove_take_profit or None,
        )
        if all(change is None for change in changes):
            raise ValueError("nothing is to be changed")
        _check_expiry(self.expiry, self.expires_at)
        return self


class CancelIntent(_Intent):
    """Take a pending order away. `order` is its ticket; `symbol`, when given, must be its symbol."""

    kind: Literal["cancel"] = "cancel"
    symbol: str | None = Field(default=None, min_length=1, max_length=29)
    order: int = Field(gt=0, lt=2**63)


def _check_expiry(expiry: Expiry | None, expires_at: datetime | None) -> None:
    if (expiry is Expiry.SPECIFIED) != (expires_at is not None):
        raise ValueError("an expiry at a specified moment, and only it, has expires_at")


OrderIntent = Annotated[
    MarketOrderIntent | CloseIntent | PendingOrderIntent | ModifyIntent | CancelIntent, Field(discriminator="kind")
]


_TIMES = {"created_at", "deadline"}
"""Not part of what an intent asks for: a node tried again asks for the same thing later."""


def asks_the_same(one: OrderIntent, other: OrderIntent) -> bool:
    """Whether two intents have the same content, as `content_digest` tells it."""
    return one.model_dump(exclude=_TIMES) == other.model_dump(exclude=_TIMES)


def content_digest(intent: OrderIntent) -> str:
    """SHA-256 of what the intent asks for, its times left out. Equal numbers written differently (0.1 and 0.10) are
    equal."""
    content = intent.model_dump(exclude=_TIMES)
    plain = {key: _plain(value) for key, value in content.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value.normalize())
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


class OrderOutcome(BaseModel):
    """What the bridge knows of an intent. Tickets are the broker's; `volume` was filled, `remainder` was not; `price`
    is the mean price of what was filled; `profit` is the broker's figure for the closing deals, without swap and
    commission. A pending order's `order_price` is where it waits, `limit_price` that of a stop-limit behind it. A
    modify tells the terms as they are now."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    client_order_id: str
    status: OutcomeStatus
    order: int | None = None
    deal: int | None = None
    position: int | None = None
    volume: Decimal = Decimal(0)
    remainder: Decimal = Decimal(0)
    price: float | None = None
    profit: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    order_price: float | None = None
    limit_price: float | None = None
    expires_at: AwareDatetime | None = None
    retcode: int | None = None
    message: str = ""
    rule: str | None = None
    """For a refusal by the risk gate: the limit, by its name in the configuration, or the rule that refused."""
    reason: str | None = None
    """For a refusal: `risk`, `broker`, `market_closed`, `deadline`, or `invalid` (no valid request can be made of it:
    volume, stops); of a modify or cancel also `widens` (the stop loss would let more be lost, which the intent does
    not allow), `filled` (the pending order became a position) and `gone` (its target left the account). For a close
    that found nothing left to do: `already_closed`; a modify: `no_change`; a cancel: `already_cancelled`. For a
    pending order that was filled in part: `cancelled` or `expired`, which ended the rest. Of an unknown order:
    `manual`, only a person can settle it."""
    resend_until: AwareDatetime | None = None
    """Of an order that was not sent: until when (market time) another may stand in for it. None: never, as with real
    money."""
