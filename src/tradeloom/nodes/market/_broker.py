"""What nodes that ask a broker share."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NotFound, StalePrice
from tradeloom.nodes.base import setting
from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars
    from tradeloom.trading.broker import Broker, PendingOrder, Position, Tick

READ_ERRORS = (NotFound, BrokerUnavailable, BrokerTimeout)
"""What any question to a broker may raise. NotFound is an unknown symbol or account."""

SYMBOL_LENGTH = 29
"""Most characters MetaTrader takes in a symbol's name."""

SYMBOL_HELP = "The instrument, spelled as your broker spells it."


def account_setting() -> Any:
    return setting(
        None,
        title="Account",
        help="The broker account to use; the workflow's own when left empty.",
        widget="text",
        examples=["paper"],
        min_length=1,
        max_length=64,
        advanced=True,
    )


def symbol_setting() -> Any:
    return setting(
        title="Symbol",
        help=SYMBOL_HELP,
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
    )


def timeframe_setting(help: str) -> Any:
    return setting(Timeframe.H1, title="Timeframe", help=help, widget="select")


def max_age_setting() -> Any:
    return setting(
        60.0,
        title="Oldest quote",
        help="A quote older than this, by the market's clock, is an error: prices of a closed market are no prices.",
        unit="s",
        widget="duration",
        gt=0,
        le=604_800,
        advanced=True,
    )


def fresh_quote(broker: "Broker", symbol: str, max_age_s: float, given: "Tick | None" = None) -> tuple["Tick", float]:
    """The quote, the broker's unless one is `given`, and its age in seconds of market time.

    Raises `StalePrice` when it is too old or there is none.
    """
    tick = given or two_sided_quote(broker, symbol)
    # A server's clock may run a little ahead of ours: that is no age.
    age_s = max(0.0, (broker.market_time() - tick.time).total_seconds())
    if age_s > max_age_s:
        raise StalePrice(
            f"the last quote of {symbol} is {age_s:.1f} s old ({_utc(tick.time)}); the limit is {max_age_s:g} s",
            field="config.max_age_s",
            hint="the market is probably closed; allow an older quote if that is what you want",
        )
    return tick, age_s


def two_sided_quote(broker: "Broker", symbol: str) -> "Tick":
    """The quote. Raises `StalePrice` when bid or ask is missing, as before a session's first tick."""
    tick = broker.tick(symbol)
    if tick.bid <= 0 or tick.ask <= 0:
        raise StalePrice(f"the broker has no quote of {symbol} yet", field="config.symbol")
    return tick


def positions_in(broker: "Broker", symbol: str | None) -> "list[Position]":
    """The open positions in a symbol, or all. Raises `NotFound` for a symbol the broker does not have: "nothing open"
    would hide the mistake."""
    found = broker.positions(symbol)
    if symbol is not None and not found:
        broker.symbol(symbol)
    return found


def orders_in(broker: "Broker", symbol: str | None) -> "list[PendingOrder]":
    """The pending orders in a symbol, or all. Raises `NotFound` as `positions_in` does."""
    found = broker.orders(symbol)
    if symbol is not None and not found:
        broker.symbol(symbol)
    return found


def last_is_forming(bars: "Bars") -> bool:
    """Whether the last bar was still open at the end of the reference."""
    reference = bars.reference
    if reference.closed_only:
        return False
    opening = datetime.fromtimestamp(int(bars.time[-1]), tz=UTC)
    end = reference.to.astimezone(UTC)
    if reference.timeframe is Timeframe.MN1:
        return (opening.year, opening.month) == (end.year, end.month)
    return opening.timestamp() + reference.timeframe.seconds > end.timestamp()


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
