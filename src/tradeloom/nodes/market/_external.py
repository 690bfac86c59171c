"""Market data from elsewhere than the broker, as JSON that an HTTP request or a trigger brought. The shapes:

Bars, oldest first, as a list or under the name `bars`::

    [{"time": "2017-06-01T11:00:00Z", "open": 1.1215, "high": 1.1224, "low": 1.1207, "close": 1.1221, "volume": 1830}]

A quote::

    {"time": "2017-06-01T12:00:03Z", "bid": 1.1221, "ask": 1.1222, "last": null}

Times are RFC 3339 with an offset, or seconds since 1970. A bar's time is its opening; `volume` (default 0) and `spread`
in points (default 0) may be left out, and so may a quote's `last`. Other names are passed over.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import setting
from tradeloom.nodes.values import number, shown

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars, BarsReference
    from tradeloom.trading.broker import Tick
    from tradeloom.trading.timeframes import Timeframe

MAX_ROWS = 20_000
LATEST_SECOND = 10_000_000_000
"""The year 2286: a larger number is in milliseconds."""

NEARER = 0.9
"""Two bars may open this part of the timeframe after each other: a day of 23 hours, a February."""

MAX_AHEAD_S = 5.0
"""How far another clock may run ahead of the market's."""


def data_setting(what: str, example: str) -> Any:
    return setting(
        None,
        title="Data",
        help=f"{what}, mostly the body an HTTP request node gave.",
        widget="expression",
        show_if={"source": ["input"]},
        examples=[example],
    )


def bars_of(data: Any, reference: "BarsReference") -> "Bars":
    """The rows as columns, all of them, whatever the reference asks for.

    Raises `MissingInput` and `NodeConfigError`, which name the row and what is wrong with it.
    """
    import numpy as np

    from tradeloom.trading.bars import Bars
    from tradeloom.trading.kept_bars import COLUMNS

    rows = _rows(data)
    found = [_bar(row, f"data.{position}") for position, row in enumerate(rows)]
    _check_order([row["time"] for row in found], reference.timeframe)
    columns = {name: np.array([row[name] for row in found], dtype=dtype) for name, dtype in COLUMNS.items()}
    return Bars(reference=reference, **columns)


def quote_of(data: Any, symbol: str, now: datetime) -> "Tick":
    """Raises `MissingInput` and `NodeConfigError`; a quote from the future is one of another market than this."""
    from tradeloom.trading.broker import Tick

    if data is None:
        raise MissingInput("There is no quote.", field="config.data")
    if not isinstance(data, Mapping):
        raise NodeConfigError(f"A quote is an object, not {shown(data)}.", field="config.data")
    bid, ask = _price(data.get("bid"), "data.bid"), _price(data.get("ask"), "data.ask")
    if bid > ask:
        raise NodeConfigError(f"The bid {bid:.10g} is above the ask {ask:.10g}.", field="config.data.bid")
    made = datetime.fromtimestamp(_seconds(data.get("time"), "data.time"), tz=UTC)
    if (made - now).total_seconds() > MAX_AHEAD_S:
        raise NodeConfigError(
            f"The quote is of {made:%Y-%m-%dT%H:%M:%SZ}, and the market's clock stands at "
            f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.",
            field="config.data.time",
            hint="Live prices fit an account whose market is live, not one that replays the past.",
        )
    last = data.get("last")
    last_price = None if last is None else _price(last, "data.last")
    return Tick(symbol=symbol, time=made, bid=bid, ask=ask, last=last_price, volume=0.0)


def _rows(data: Any) -> list[Any]:
    rows = data.get("bars") if isinstance(data, Mapping) else data
    if rows is None:
        raise MissingInput("There are no bars.", field="config.data")
    if not isinstance(rows, list):
        raise NodeConfigError(f"Bars are a list of objects, not {shown(rows)}.", field="config.data")
    if len(rows) > MAX_ROWS:
        raise NodeConfigError(f"There are {len(rows):,} bars; {MAX_ROWS:,} are the most.", field="config.data")
    return rows


def _bar(row: Any, name: str) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise NodeConfigError(f"A bar is an object, not {shown(row)}.", field=f"config.{name}")
    made: dict[str, Any] = {key: _price(row.get(key), f"{name}.{key}") for key in ("open", "high", "low", "close")}
    if not made["low"] <= min(made["open"], made["close"]) <= max(made["open"], made["close"]) <= made["high"]:
        raise NodeConfigError("Open and close do not lie between low and high.", field=f"config.{name}")
    made["time"] = int(_seconds(row.get("time"), f"{name}.time"))
    made["volume"] = _amount(row.get("volume"), f"{name}.volume")
    made["spread"] = round(min(_amount(row.get("spread"), f"{name}.spread"), 1e9))
    return made


def _check_order(times: list[int], timeframe: "Timeframe") -> None:
    least = timeframe.seconds * NEARER
    for position in range(1, len(times)):
        apart = times[position] - times[position - 1]
        if apart <= 0:
            raise NodeConfigError("Bars come oldest first, each once.", field=f"config.data.{position}.time")
        if apart < least:
            raise NodeConfigError(
                f"This bar opens {apart:,} s after the one before; those of {timeframe} are {timeframe.seconds:,} s.",
                field=f"config.data.{position}.time",
            )


def _price(value: Any, name: str) -> float:
    price = number(value, name)
    if price <= 0:
        raise NodeConfigError(f"{shown(value)} is no price.", field=f"config.{name}")
    return price


def _amount(value: Any, name: str) -> float:
    if value is None:
        return 0.0
    amount = number(value, name)
    if amount < 0:
        raise NodeConfigError("This cannot be below zero.", field=f"config.{name}")
    return amount


def _seconds(value: Any, name: str) -> float:
    if value is None:
        raise MissingInput("There is no time.", field=f"config.{name}")
    if isinstance(value, str):
        return _parsed(value, name)
    seconds = number(value, name)
    if not 0 <= seconds < LATEST_SECOND:
        raise NodeConfigError(
            "This is no number of seconds since 1970.", field=f"config.{name}", hint="Divide milliseconds by 1000."
        )
    return math.floor(seconds * 1000) / 1000


def _parsed(text: str, name: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        seconds = moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise NodeConfigError(
            f"{shown(text)} is no time with an offset.", field=f"config.{name}", hint="Write 2017-06-01T11:00:00Z."
        ) from error
    if not 0 <= seconds < LATEST_SECOND:
        raise NodeConfigError("The time lies before 1970 or after 2286.", field=f"config.{name}")
    return seconds
