"""Bars: the reference that travels between nodes, and the columns it stands for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BARS = 5_000
"""Most bars a reference may carry, warm-up included: past it a node is refused or warned, never cut silently."""


class Bar(BaseModel):
    """One bar. Prices are bids; `time` is its opening; `spread` is in points."""

    model_config = ConfigDict(frozen=True)

    time: AwareDatetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    spread: int


class BarsReference(BaseModel):
    """A query for closed (or also forming) bars with its end fixed: everyone who resolves it sees the same bars.

    `count` bars are what the user asked for; `warmup` more stand before them so that an indicator's start
    does not matter. `to` is the moment after which nothing is visible.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["bars"] = "bars"
    source: Literal["mt5", "kept"] = "mt5"
    """`kept`: not the broker's, but rows that a node was given; `content` is the SHA-256 they are kept under."""
    content: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    account: str
    symbol: str
    timeframe: Timeframe
    to: AwareDatetime
    count: int = Field(ge=1, le=MAX_BARS)
    warmup: int = Field(default=0, ge=0, le=MAX_BARS)
    closed_only: bool = Field(default=True, json_schema_extra={"advanced": True})


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of equal length, oldest bar first, warm-up included.

    `time` is int64 seconds since the epoch (UTC) of each bar's opening, prices and volume are float64, `spread` is
    int32 points. The last `count` rows are those the user asked for.
    """

    reference: BarsReference
    time: "NDArray[np.int64]"
    open: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    close: "NDArray[np.float64]"
    volume: "NDArray[np.float64]"
    spread: "NDArray[np.int32]"

    def __len__(self) -> int:
        return len(self.time)

    def column(self, source: str) -> "NDArray[np.float64]":
        """A price by its usual name: open, high, low, close, median (hl/2), typical (hlc/3), weighted (hlcc/4)."""
        match source:
            case "median":
                return (self.high + self.low) / 2.0
            case "typical":
                return (self.high + self.low + self.close) / 3.0
            case "weighted":
                return (self.high + self.low + self.close + self.close) / 4.0
            case _:
                column: NDArray[np.float64] = getattr(self, source)
                return column

    def bar(self, position: int) -> Bar:
        """The bar at `position` (negative counts from the end)."""
        values: dict[str, Any] = {
            name: float(getattr(self, name)[position]) for name in ("open", "high", "low", "close", "volume")
        }
        time = datetime.fromtimestamp(int(self.time[position]), tz=UTC)
        return Bar(time=time, spread=int(self.spread[position]), **values)
