"""Order intents: what a node wants to happen at the broker, named so that it can happen only once."""

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAGIC_BITS = 52
"""MetaTrader's magic number carries this many bits of the id: below 2**53, so JSON numbers keep it exact."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OutcomeStatus(StrEnum):
    """What became of an intent. UNKNOWN means sent, and nobody knows yet: never a reason to send again."""

    DONE = "done"
    PARTIAL = "partial"
    PLACED = "placed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


def client_order_id(execution_id: str, node_id: str, iteration: Sequence[int] = ()) -> str:
    """The same 32 hex digits for the same (execution, node, iteration), whoever asks and however often."""
    key = "\x1f".join([execution_id, node_id, ",".join(str(step) for step in iteration)])
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def magic_number(order_id: str) -> int:
    """52-bit magic derived from the client order id; survives a broker that rewrites comments."""
    digest = hashlib.sha256(order_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - MAGIC_BITS)


class _Intent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    client_order_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    account: str
    execution_id: str
    workflow_id: str
    node_id: str
    created_at: AwareDatetime
    deadline: AwareDatetime
    """Market time after which the bridge refuses to send."""

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
    """Close a position, wholly or `volume` lots of it. `position` is its ticket."""

    kind: Literal["close"] = "close"
    symbol: str = Field(min_length=1, max_length=29)
    position: int = Field(gt=0, lt=2**63)
    volume: Decimal | None = Field(default=None, gt=0)
    deviation: int = Field(default=20, ge=0)


OrderIntent = MarketOrderIntent | CloseIntent


def content_digest(intent: OrderIntent) -> str:
    """SHA-256 of what the intent asks for: whether a node that runs again asks for the same.

    The times are left out: a node tried again asks for the same thing later. Equal numbers written differently
    (0.1 and 0.10) are equal.
    """
    content = intent.model_dump(exclude={"created_at", "deadline"})
    plain = {key: str(value.normalize()) if isinstance(value, Decimal) else value for key, value in content.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


class OrderOutcome(BaseModel):
    """What the bridge knows of an intent. Tickets are the broker's; `volume` was filled, `remainder` was not; `profit`
    is the broker's figure for the closing deals, without swap and commission."""

    model_config = ConfigDict(frozen=True)

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
    retcode: int | None = None
    message: str = ""
    reason: str | None = None
    """For a refusal: `risk`, `broker`, `market_closed`, `deadline`, or `invalid` (no valid request can be made of it:
    volume, stops). For a close that found nothing left to do: `already_closed`."""
