"""order.close: close one position, or those in a symbol, wholly or in part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import InvalidInput, NodeConfigError, NotFound
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import account_setting
from tradeloom.nodes.market._money import total
from tradeloom.nodes.order._placing import (
    ALREADY_CLOSED,
    ORDER_ERRORS,
    deviation_setting,
    order_id_for,
    origin,
    place,
    settled,
    try_all,
    ttl_setting,
)
from tradeloom.nodes.order._targets import (
    check_choice,
    position_of,
    position_scope_setting,
    position_side_setting,
    positions_meant,
    target_symbol_setting,
    ticket_setting,
)
from tradeloom.trading.broker import Broker, Position
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import CloseIntent, OrderOutcome, OutcomeStatus

Status = Literal["done", "partial", "already_closed"]
_LOOKS_BACK_DAYS = (366, 31, 1)
"""How far back the closing of a position is looked for, first to last where there are more trades than are told."""


class CloseConfig(NodeConfig):
    by: Literal["symbol", "ticket"] = setting(
        "symbol", title="Close", help="One position by its ticket, or those open in a symbol.", widget="select"
    )
    ticket: int | None = ticket_setting("position", "= nodes.buy.ticket")
    symbol: str | None = target_symbol_setting(
        "The instrument. With a ticket it may be left empty; given, it is checked, and a position that was closed "
        "more than a year ago is found too."
    )
    scope: Literal["own", "all"] = position_scope_setting()
    side: Literal["any", "buy", "sell"] = position_side_setting()
    volume: float | None = setting(
        None,
        title="Volume",
        help="Lots to close of each position; the whole of it when left empty or when it has no more.",
        unit="lots",
        widget="number",
        gt=0,
        le=1_000_000,
    )
    volume_percent: float | None = setting(
        None,
        title="Share",
        help="Percent of each position to close, instead of lots. What is finer than the volume step is cut off.",
        unit="%",
        widget="number",
        examples=[50],
        gt=0,
        le=100,
    )
    deviation: int = deviation_setting()
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _says_what_to_close(self) -> Self:
        check_choice(self.by, self.ticket, self.symbol, doing="closing", what="positions are to be closed")
        if self.volume is not None and self.volume_percent is not None:
            raise ValueError("the volume is given in lots and in percent: choose one")
        return self


class ClosedPosition(BaseModel):
    """What became of one position."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    ticket: int = Field(description="The position's ticket.")
    status: Status = Field(description="partial when less was filled than was to be closed.")
    volume: float = Field(description="Lots closed now.")
    remainder: float = Field(description="Lots that were to be closed and were not filled.")
    price: float | None = Field(description="Average closing price; null when it is not known.")
    profit: float | None = Field(description="Profit of the closing deals, without swap and commission; null likewise.")
    message: str = Field(description="The broker's words.")


class CloseOutput(NodeOutput):
    status: Status = Field(description="already_closed when there was nothing left to close.")
    closed: list[ClosedPosition] = Field(description="Each position, the earliest opened first.")
    count: int = Field(description="How many positions were closed now, wholly or in part.")
    volume: float = Field(description="Lots closed now.")
    remainder: float = Field(description="Lots that were to be closed and were not filled.")
    price: float | None = Field(description="Average closing price, weighted by volume; null when it is not known.")
    profit: float | None = Field(description="Profit of the closing deals, without swap and commission; null likewise.")


@dataclass(frozen=True, slots=True)
class _Target:
    """A position to close. `held` is None for one that is not open any more."""

    ticket: int
    symbol: str
    held: Position | None


class Close(Node):
    type = "order.close"
    title = "Close position"
    description = "Closes a position by its ticket, or the positions in a symbol, wholly or in part."
    help = (
        "Closes at the market price. A position that is closed already, by its stop loss for instance, is no error: "
        "`status` is `already_closed`. By symbol and with scope `own` only what this workflow opened is touched.\n\n"
        "With a share of 50 % half of each position is closed; however often the node is run again in an execution, "
        "it is the half of what was open at first. A part smaller than the symbol's smallest order is refused.\n\n"
        "On an account with several positions in the symbol each is closed by an order of its own. All of them are "
        "tried; if some cannot be closed the node fails afterwards and says which. Closing works while the account is "
        "set to reduce only or is halted."
    )
    icon = "circle-x"
    tier = Tier.BASIC
    effects = frozenset({Effect.TRADES, Effect.READS_STATE})
    only_reduces = True
    errors = (NodeConfigError, *ORDER_ERRORS)
    timeout_s = 120
    example = Example(
        title="Close what this workflow bought in EURUSD", config={"by": "symbol", "symbol": "EURUSD", "side": "buy"}
    )
    Config = CloseConfig
    Output = CloseOutput

    def run(self, config: CloseConfig, context: NodeContext) -> CloseOutput:
        broker = context.broker(config.account)
        targets = _targets(config, context, broker)

        def close(target: _Target) -> tuple[_Target, OrderOutcome]:
            outcome = _close(target, config, context, broker)
            volume = float(outcome.volume)
            context.log(f"position {target.ticket}: {_status(outcome)}", volume=volume, price=outcome.price)
            return target, outcome

        outcomes = try_all(targets, close, context, what="position", done="closed")
        prices = [(outcome.volume, outcome.price) for _, outcome in outcomes]
        return _summary([_shown(target, outcome) for target, outcome in outcomes], prices)


def _targets(config: CloseConfig, context: NodeContext, broker: Broker) -> list[_Target]:
    if config.ticket is not None:
        held = position_of(config.ticket, config.symbol, broker)
        symbol = held.symbol if held else config.symbol or _symbol_it_had(config.ticket, broker)
        return [_Target(config.ticket, symbol, held)]
    found = positions_meant(config, context.workflow_id, broker)
    targets = [_Target(position.ticket, position.symbol, position) for position in found]
    return _closed_before(config, context, broker, {target.ticket for target in targets}) + targets


def _closed_before(config: CloseConfig, context: NodeContext, broker: Broker, still_open: set[int]) -> list[_Target]:
    """What this very node closed when it ran before, in this execution, and came back for an order it was not sure
    of: it is no position any more, and part of what the node did."""
    try:
        trades = broker.trades(context.as_of, broker.market_time(), config.symbol)
    except InvalidInput:
        return []  # more trades than are told at once
    gone = {trade.position: trade.symbol for trade in trades if trade.position not in still_open}
    return [
        _Target(ticket, symbol, None)
        for ticket, symbol in gone.items()
        if broker.outcome(order_id_for(context, ticket)) is not None
    ]


def _symbol_it_had(ticket: int, broker: Broker) -> str:
    """The symbol of a position that is not open, by the deals that closed it.

    Raises `NotFound` where there are none: a terminal that has just connected may not list a position yet, so one that
    is not listed has not, for that alone, been closed.
    """
    now = broker.market_time()
    for days in _LOOKS_BACK_DAYS:
        try:
            found = broker.trades(now - timedelta(days=days), now)
        except InvalidInput:
            continue  # more trades than are told at once: a shorter time may do
        symbol = next((trade.symbol for trade in reversed(found) if trade.position == ticket), None)
        if symbol is not None:
            return symbol
        break
    raise NotFound(
        f"no position {ticket} is open, and none was closed lately",
        field="config.ticket",
        hint="check the ticket; with the symbol given, the bridge looks further",
    )


def _close(target: _Target, config: CloseConfig, context: NodeContext, broker: Broker) -> OrderOutcome:
    order_id = order_id_for(context, target.ticket)
    symbol = target.symbol

    def intent() -> CloseIntent:
        return CloseIntent(
            **origin(broker, context, order_id, config.ttl_s),
            symbol=symbol,
            position=target.ticket,
            **_part(config),
            deviation=config.deviation,
        )

    return settled(place(broker, context, order_id, intent), f"close of position {target.ticket} in {symbol}")


def _part(config: CloseConfig) -> dict[str, Decimal]:
    """What to close of a position, as an intent says it; nothing for the whole. A share is the bridge's to reckon, from
    what is open when the order is sent, and so is what there is of a volume: a position may grow or shrink until then,
    and never may more be closed than was asked for."""
    if config.volume_percent is not None and config.volume_percent < 100:
        return {"percent": exact(config.volume_percent)}
    return {} if config.volume is None else {"volume": exact(config.volume)}


def _status(outcome: OrderOutcome) -> Status:
    if outcome.reason == ALREADY_CLOSED:
        return "already_closed"
    return "partial" if outcome.status is OutcomeStatus.PARTIAL else "done"


def _shown(target: _Target, outcome: OrderOutcome) -> ClosedPosition:
    return ClosedPosition(
        ticket=target.ticket,
        status=_status(outcome),
        volume=float(outcome.volume),
        remainder=float(outcome.remainder),
        price=outcome.price,
        profit=outcome.profit,
        message=outcome.message,
    )


def _summary(closed: Sequence[ClosedPosition], prices: Sequence[tuple[Decimal, float | None]]) -> CloseOutput:
    now = [each for each in closed if each.status != "already_closed"]
    status: Status = "already_closed"
    if now:
        status = "partial" if any(each.status == "partial" for each in now) else "done"
    profits = [each.profit for each in closed if each.profit is not None]
    return CloseOutput(
        status=status,
        closed=list(closed),
        count=len(now),
        volume=total(each.volume for each in closed),
        remainder=total(each.remainder for each in closed),
        price=_average(prices),
        profit=total(profits) if profits else None,
    )


def _average(prices: Sequence[tuple[Decimal, float | None]]) -> float | None:
    """Weighted by volume; positions closed earlier have no volume now, so alone they give the price of the only one."""
    known = [(volume, exact(price)) for volume, price in prices if price is not None]
    weight = sum((volume for volume, _ in known), Decimal(0))
    if weight:
        return float(sum((volume * price for volume, price in known), Decimal(0)) / weight)
    return float(known[0][1]) if len(known) == 1 else None
