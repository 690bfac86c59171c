"""What the nodes that set guards share: which positions, distances in any measure, and what is told of each guard."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import Conflict, ExecutionStopped, NodeConfigError, NotFound
from tradeloom.nodes.base import NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting
from tradeloom.nodes.order._placing import try_all
from tradeloom.nodes.order._targets import (
    check_choice,
    position_of,
    position_scope_setting,
    position_side_setting,
    positions_meant,
    target_symbol_setting,
    ticket_setting,
)
from tradeloom.trading.exact import exact
from tradeloom.trading.guards import (
    BreakEven,
    Guard,
    GuardKind,
    GuardReport,
    GuardStatus,
    PartialClose,
    Trailing,
    guard_id,
)

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker, Position, Symbol

GUARD_ERRORS = (NodeConfigError, Conflict, ExecutionStopped, *READ_ERRORS)

Measure = Literal["pips", "points", "distance", "percent"]
MOST = 1_000_000
HOW_IT_LIVES = (
    "The guard lives beside the terminal, not in the cloud: once set it goes on while Tradeloom, or the line to it, is "
    "away, and survives a restart of the bridge. It ends by itself when its position is closed. A refused change (too "
    "near, frozen, market closed) is tried again at the next quote, ever less often, and shows as trouble. It works "
    "while the account is set to reduce only or is halted. Run again in the same execution it is the same guard."
)
ON_NETTING = (
    "On a hedging account each position has guards of its own. On a netting account all orders of a symbol merge into "
    "one position: profit then counts from its average entry, and a position that is turned round ends its guards."
)


def trigger_setting() -> Any:
    return setting(
        title="At a profit of",
        help="How far the position must be in profit, counted to the price that would close it: the bid of a bought "
        "position, the ask of a sold one.",
        widget="number",
        examples=[20],
        gt=0,
        le=MOST,
    )


def check_lock_in(offset: float, trigger: float) -> None:
    """Raises `ValueError` for a profit that would be secured before there is so much."""
    if offset >= trigger:
        raise ValueError(f"offset: a profit of {offset:g} cannot be locked in at one of {trigger:g}")


class GuardConfig(NodeConfig):
    by: Literal["symbol", "ticket"] = setting(
        "symbol", title="Guard", help="One position by its ticket, or those open in a symbol.", widget="select"
    )
    ticket: int | None = ticket_setting("position", "= nodes.buy.ticket")
    symbol: str | None = target_symbol_setting(
        "The instrument. With a ticket it may be left empty; given, it is checked."
    )
    scope: Literal["own", "all"] = position_scope_setting()
    side: Literal["any", "buy", "sell"] = position_side_setting()
    measure: Measure = setting(
        "pips",
        title="Distances in",
        help="How this node's distances are given: in pips, in points (the symbol's smallest unit), as a distance in "
        "price (twice an ATR, say), or in percent of the position's entry price.",
        widget="select",
    )
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _says_what_to_guard(self) -> Self:
        check_choice(self.by, self.ticket, self.symbol, doing="guarding", what="positions are to be guarded")
        return self


class GuardedPosition(BaseModel):
    """One position and the guard set on it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    ticket: int = Field(description="The position's ticket.")
    symbol: str = Field(description="The instrument.")
    guard_id: str = Field(description="The guard's id, by which it can be found and taken away.")
    status: GuardStatus = Field(description="active while it is watched; done when nothing is left to do.")
    stop_loss: float | None = Field(description="The position's stop loss after the first look; null when it has none.")
    message: str = Field(description="What it did, what keeps it from acting, or why it ended; may be empty.")


class GuardOutput(NodeOutput):
    status: Literal["active", "done", "failed", "replaced", "removed", "no_position"] = Field(
        description="active while any guard is watched; no_position when there is nothing (any more) to guard."
    )
    guards: list[GuardedPosition] = Field(description="Each position, the earliest opened first.")
    count: int = Field(description="How many guards are active.")
    guard_id: str | None = Field(description="The first guard's id; null when there is none.")
    ticket: int | None = Field(description="The first guarded position's ticket; null when there is none.")
    stop_loss: float | None = Field(description="The first guarded position's stop loss after the first look.")


Rule = Trailing | BreakEven | PartialClose


def set_guards(
    config: GuardConfig, context: NodeContext, rule_for: "Callable[[Position, Symbol], Rule]"
) -> GuardOutput:
    """Sets a guard on each position the configuration means. Raises what the broker does, `NodeConfigError` for a
    rule that cannot be; where some positions cannot be guarded, the others are, and then one error says which."""
    broker = context.broker(config.account)
    targets = _targets(config, context, broker)

    def guard(position: "Position") -> GuardedPosition | None:
        return _set(position, rule_for(position, broker.symbol(position.symbol)), context, broker)

    made = try_all(targets, guard, context, what="position", done="guarded")
    return _output([each for each in made if each is not None])


def in_price(value: float, measure: Measure, position: "Position", symbol: "Symbol") -> Decimal:
    """A configured distance as one in price."""
    unit = {
        "pips": symbol.pip,
        "points": symbol.point,
        "distance": Decimal(1),
        "percent": exact(position.price_open) / 100,
    }[measure]
    return exact(value) * unit


def _targets(config: GuardConfig, context: NodeContext, broker: "Broker") -> "list[Position]":
    if config.ticket is None:
        return positions_meant(config, context.workflow_id, broker)
    held = position_of(config.ticket, config.symbol, broker)
    return [] if held is None else [held]


def _set(position: "Position", rule: Rule, context: NodeContext, broker: "Broker") -> GuardedPosition | None:
    """None for a position that has been closed since it was listed."""
    kind = GuardKind(rule.kind)
    guard = Guard(
        guard_id=guard_id(broker.account_name, context.workflow_id, context.node_id, kind, position),
        account=broker.account_name,
        symbol=position.symbol,
        position=position.ticket,
        side=position.side,
        execution_id=context.execution_id,
        workflow_id=context.workflow_id,
        workflow_version=context.workflow_version,
        node_id=context.node_id,
        rule=rule,
    )
    context.before_acting()
    try:
        report = broker.guard(guard)
    except NotFound:
        if any(each.ticket == position.ticket for each in broker.positions(position.symbol)):
            raise
        context.log(f"position {position.ticket} was closed before it could be guarded", level="warning")
        return None
    shown = _shown(report)
    level: Literal["info", "warning"] = "warning" if report.trouble or report.status is GuardStatus.FAILED else "info"
    said = f": {shown.message}" if shown.message else ""
    context.log(f"position {position.ticket}: {kind.value} {shown.status}{said}", level=level, guard_id=guard.guard_id)
    return shown


def _shown(report: GuardReport) -> GuardedPosition:
    return GuardedPosition(
        ticket=report.guard.position,
        symbol=report.guard.symbol,
        guard_id=report.guard.guard_id,
        status=report.status,
        stop_loss=report.stop_loss,
        message=report.reason or report.trouble or report.last_action or "",
    )


def _output(guards: Sequence[GuardedPosition]) -> GuardOutput:
    active = sum(each.status is GuardStatus.ACTIVE for each in guards)
    first = guards[0] if guards else None
    return GuardOutput(
        status="active" if active else first.status.value if first else "no_position",
        guards=list(guards),
        count=active,
        guard_id=first.guard_id if first else None,
        ticket=first.ticket if first else None,
        stop_loss=first.stop_loss if first else None,
    )
