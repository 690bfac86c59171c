"""Ticks: every quote a terminal has of a symbol, one after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TICKS = 10_000
"""Most ticks one answer holds."""

QuoteSide = Literal["bid", "ask", "last"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ticks:
    """Columns of equal length in the order the quotes came. `time` is int64 milliseconds since the epoch (UTC), prices
    are float64; a price the venue does not quote is 0."""

    time: "NDArray[np.int64]"
    bid: "NDArray[np.float64]"
    ask: "NDArray[np.float64]"
    last: "NDArray[np.float64]"

    def __len__(self) -> int:
        return len(self.time)

    def prices(self, side: QuoteSide) -> Iterator[tuple[datetime, float]]:
        """When each came, and its price on that side."""
        column: NDArray[np.float64] = getattr(self, side)
        return ((at_ms(time), price) for time, price in zip(self.time.tolist(), column.tolist(), strict=True))

    def joined(self, more: "Ticks") -> "Ticks":
        import numpy as np

        return Ticks(*(np.concatenate((getattr(self, name), getattr(more, name))) for name in self.__slots__))


def at_ms(milliseconds: int) -> datetime:
    """Exact, as a division by 1000 would not be."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def ms_of(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
