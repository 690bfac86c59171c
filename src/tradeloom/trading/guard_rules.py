"""How a guard is judged. Pure rules; the bridge's watcher runs them.

A guard belongs to one position and is judged against every quote of its symbol: `decide` says what to do now,
`after` what follows once it was done, `wake_price` where the next quote that could matter lies. Three laws hold
whatever the market does: a stop only ever tightens, it never comes nearer to the market than the broker allows, and a
partial close happens at most once.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tradeloom.trading.broker import Position, Symbol, Tick
from tradeloom.trading.exact import exact
from tradeloom.trading.guards import BreakEven, Guard, GuardMemory, GuardStatus, PartialClose, Trailing
from tradeloom.trading.intents import Side


@dataclass(frozen=True, slots=True)
class MoveStop:
    """Put the position's stop loss at this price; its take profit stays."""

    stop_loss: Decimal


@dataclass(frozen=True, slots=True)
class ClosePart:
    """Close so many lots of the position."""

    volume: Decimal


Action = MoveStop | ClosePart


@dataclass(frozen=True, slots=True)
class End:
    """The guard is over."""

    status: GuardStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`action` is to be done now; `end` says that nothing is left to do. Never both."""

    memory: GuardMemory
    action: Action | None = None
    end: End | None = None


def decide(guard: Guard, memory: GuardMemory, quote: Tick, position: Position | None, symbol: Symbol) -> Decision:
    """What the guard does at this quote. `position` is None when it is not open any more."""
    if position is None:
        return Decision(memory, end=End(GuardStatus.DONE, "the position is closed"))
    if position.side is not guard.side:
        # A netting account's position that was turned round is another trade: our profit would be its loss.
        return Decision(memory, end=End(GuardStatus.DONE, f"the position was turned round to a {position.side}"))
    if not _is_price(quote):
        return Decision(memory)
    view = _View(quote, position, symbol)
    match guard.rule:
        case Trailing() as rule:
            return _trail(rule, memory, view)
        case BreakEven() as rule:
            triggered = memory.triggered or view.profit >= rule.trigger
            remembered = memory.model_copy(update={"triggered": triggered})
            return _break_even(rule.offset, remembered, view) if triggered else Decision(remembered)
        case PartialClose() as rule:
            if memory.closed:
                return _break_even(rule.break_even_offset or Decimal(0), memory, view)
            return _close_part(rule, memory, view)


def after(guard: Guard, memory: GuardMemory, action: Action) -> Decision:
    """What follows once the action was done."""
    match guard.rule, action:
        case Trailing(), _:
            return Decision(memory)
        case PartialClose(break_even_offset=offset), ClosePart():
            closed = memory.model_copy(update={"closed": True})
            end = End(GuardStatus.DONE, "the part was closed") if offset is None else None
            return Decision(closed, end=end)
        case _:
            return Decision(memory, end=End(GuardStatus.DONE, "the stop loss secures the entry"))


def wake_price(guard: Guard, memory: GuardMemory, position: Position, symbol: Symbol) -> Decimal | None:
    """The price (bid of a buy, ask of a sell) the market must reach before `decide` can change anything, as long as
    the position stays as it is; None when any quote might."""
    entry, sign = exact(position.price_open), _sign(position.side)
    match guard.rule:
        case Trailing() as rule:
            if rule.activation is not None and not memory.triggered:
                return entry + sign * rule.activation
            if position.stop_loss is None:
                return None
            return exact(position.stop_loss) + sign * (rule.distance + max(rule.step, symbol.tick_size))
        case BreakEven() as rule:
            return None if memory.triggered else entry + sign * rule.trigger
        case PartialClose() as rule:
            return None if memory.closed else entry + sign * rule.trigger


class _View:
    """One position at one quote. `market` is the price that would close it, `profit` in price per unit."""

    def __init__(self, quote: Tick, position: Position, symbol: Symbol) -> None:
        self.symbol = symbol
        self.volume = position.volume
        self.sign = _sign(position.side)
        self.entry = exact(position.price_open)
        self.market = exact(quote.bid if position.side is Side.BUY else quote.ask)
        self.profit = (self.market - self.entry) * self.sign
        self.stop = None if position.stop_loss is None else exact(position.stop_loss)
        self.target = None if position.take_profit is None else exact(position.take_profit)

    @property
    def least(self) -> Decimal:
        """How near the market a stop may come: at the freeze level itself it could not be changed any more."""
        freeze = self.symbol.freeze_level + 1 if self.symbol.freeze_level else 0
        return max(self.symbol.stops_level, freeze) * self.symbol.point

    def frozen(self) -> bool:
        """Whether the broker takes no changes, the market being at one of the position's levels."""
        freeze = self.symbol.freeze_level * self.symbol.point
        levels = [level for level in (self.stop, self.target) if level is not None]
        return bool(freeze) and any(abs(self.market - level) <= freeze for level in levels)

    def may_set(self, stop: Decimal) -> bool:
        return stop > 0 and (self.market - stop) * self.sign >= max(self.least, self.symbol.tick_size)

    def improves(self, stop: Decimal, by: Decimal) -> bool:
        return self.stop is None or (stop - self.stop) * self.sign >= by

    def on_grid(self, price: Decimal, *, towards_profit: bool) -> Decimal:
        upwards = towards_profit == (self.sign > 0)
        steps = (price / self.symbol.tick_size).to_integral_value(ROUND_CEILING if upwards else ROUND_FLOOR)
        return (steps * self.symbol.tick_size).quantize(Decimal(1).scaleb(-self.symbol.digits))


def _trail(rule: Trailing, memory: GuardMemory, view: _View) -> Decision:
    if rule.activation is not None and not memory.triggered:
        if view.profit < rule.activation:
            return Decision(memory)
        memory = memory.model_copy(update={"triggered": True})
    behind = view.market - view.sign * max(rule.distance, view.least, view.symbol.tick_size)
    stop = view.on_grid(behind, towards_profit=False)
    if not view.improves(stop, max(rule.step, view.symbol.tick_size)) or not view.may_set(stop) or view.frozen():
        return Decision(memory)
    return Decision(memory, MoveStop(stop))


def _break_even(offset: Decimal, memory: GuardMemory, view: _View) -> Decision:
    """Waits while the market is too near to the entry for the broker, or frozen."""
    # An average entry may lie between two ticks: the tick on the losing side would not be break-even.
    stop = view.on_grid(view.entry + view.sign * offset, towards_profit=True)
    if view.stop is not None and (view.stop - stop) * view.sign >= 0:
        return Decision(memory, end=End(GuardStatus.DONE, "the stop loss already secures the entry"))
    if not view.may_set(stop) or view.frozen():
        return Decision(memory)
    return Decision(memory, MoveStop(stop))


def _close_part(rule: PartialClose, memory: GuardMemory, view: _View) -> Decision:
    if view.profit < rule.trigger:
        return Decision(memory)
    if rule.lots is not None and rule.lots >= view.volume:
        return Decision(memory, ClosePart(view.volume))
    wanted = view.volume * rule.fraction if rule.fraction is not None else rule.lots or Decimal(0)
    volume = floored(wanted, view.symbol)
    if volume < view.symbol.volume_min:
        told = (
            f"{wanted.normalize():f} of {view.volume} lots are less than the smallest order, {view.symbol.volume_min}"
        )
        return Decision(memory, end=End(GuardStatus.FAILED, told))
    return Decision(memory, ClosePart(volume))


def floored(lots: Decimal, symbol: Symbol) -> Decimal:
    """Down to the symbol's volume step."""
    return (lots / symbol.volume_step).to_integral_value(ROUND_FLOOR) * symbol.volume_step


def _is_price(quote: Tick) -> bool:
    return math.isfinite(quote.bid) and math.isfinite(quote.ask) and 0 < quote.bid <= quote.ask


def _sign(side: Side) -> int:
    return 1 if side is Side.BUY else -1
