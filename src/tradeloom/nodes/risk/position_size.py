"""risk.position_size: how many lots lose no more than a share of the account when the stop is hit."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from pydantic import Field

from tradeloom.errors import NodeConfigError, NotEnoughMargin, NotFound, RiskTooSmall, StalePrice
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import (
    READ_ERRORS,
    account_setting,
    fresh_quote,
    max_age_setting,
    symbol_setting,
)
from tradeloom.nodes.order._stops import MEASURE_HELP, Measure, Stop
from tradeloom.trading.broker import Broker, Symbol
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

LimitedBy = Literal["risk", "margin", "max_volume", "symbol_max"]
_CENT = Decimal("0.01")


class PositionSizeConfig(NodeConfig):
    symbol: str = symbol_setting()
    side: Side = setting(title="Side", help="Which way the position will go.", widget="select", examples=["buy"])
    basis: Literal["balance", "equity"] = setting(
        "equity",
        title="Share of",
        help="Equity contains what open positions have lost or won so far, balance does not.",
        widget="select",
    )
    risk_pct: float = setting(
        1.0,
        title="Risk",
        help="Most that may be lost when the stop is hit, as a share of the account.",
        unit="%",
        widget="number",
        gt=0,
        le=100,
    )
    stop_loss_type: Measure = setting("pips", title="Stop loss", help=MEASURE_HELP, widget="select")
    stop_loss: float = setting(
        title="Stop loss at",
        help="The price or the distance, as chosen above.",
        widget="number",
        examples=[30, "= nodes.atr.value * 2"],
        gt=0,
    )
    entry: float | None = setting(
        None,
        title="Entry price",
        help="Where the position will be opened; the ask (buy) or bid (sell) of the moment when left empty.",
        widget="number",
        gt=0,
    )
    commission_per_lot: float = setting(
        0.0,
        title="Commission",
        help="What a lot costs to open and close together, in the account's currency; it counts as part of the loss.",
        widget="number",
        ge=0,
        advanced=True,
    )
    max_volume: float | None = setting(
        None,
        title="Largest volume",
        help="Never more than this; the symbol's own maximum when left empty.",
        unit="lots",
        widget="number",
        gt=0,
        le=1_000_000,
        advanced=True,
    )
    max_margin_pct: float = setting(
        90.0,
        title="Margin to use",
        help="Most of the free margin the position may take; the rest is room for it to move.",
        unit="%",
        widget="number",
        gt=0,
        le=100,
        advanced=True,
    )
    max_age_s: float = max_age_setting()
    account: str | None = account_setting()


class PositionSizeOutput(NodeOutput):
    volume: float = Field(description="Lots to trade: a whole number of the symbol's volume steps.")
    symbol: str = Field(description="The instrument.")
    side: Side = Field(description="buy or sell.")
    entry: float = Field(description="The entry price reckoned with.")
    stop_loss: float = Field(description="The stop loss price, on the symbol's price grid.")
    stop_distance_pips: float = Field(description="From entry to stop.")
    risk_amount: float = Field(description="What this volume loses at the stop, in the account's currency.")
    risk_pct: float = Field(description="The same in percent of balance or equity; never more than asked for.")
    margin_required: float = Field(description="Margin the broker holds for it, in the account's currency.")
    limited_by: LimitedBy = Field(description="What kept the volume from being larger.")
    currency: str = Field(description="The account's currency.")


class PositionSize(Node):
    type = "risk.position_size"
    title = "Position size"
    description = "The volume that loses no more than a share of the account when its stop is hit."
    help = (
        "Asks the broker what one lot loses between entry and stop, in the account's currency, so crosses, metals and "
        "indices come out right whatever the account is kept in. The volume is rounded down to the symbol's step, then "
        "held to the largest volume and to the free margin; `limited_by` names what decided.\n\n"
        "Where the symbol's own price converts its profit (USDJPY in a dollar account), the loss is reckoned at the "
        "stop's price, not today's. If even the smallest order would lose more than you allow, the node fails with "
        "RiskTooSmall instead of "
        "rounding up. Pass `stop_loss` on to the order as a price, so that it trades the stop this was reckoned with. "
        "A gap through the stop, or slippage, can still lose more."
    )
    icon = "scale"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET, Effect.READS_STATE})
    errors = (NodeConfigError, RiskTooSmall, NotEnoughMargin, StalePrice, *READ_ERRORS)
    example = Example(
        title="One percent of equity with a stop of 30 pips",
        config={"symbol": "EURUSD", "side": "buy", "risk_pct": 1, "stop_loss_type": "pips", "stop_loss": 30},
    )
    Config = PositionSizeConfig
    Output = PositionSizeOutput

    def run(self, config: PositionSizeConfig, context: NodeContext) -> PositionSizeOutput:
        broker = context.broker(config.account)
        symbol, account = broker.symbol(config.symbol), broker.account()
        entry, stop = _levels(config, broker, symbol)
        conversion = _conversion_at(stop, config, broker, symbol, account.currency)
        trade = _Trade(broker, config.symbol, config.side, entry, stop, exact(config.commission_per_lot), conversion)
        least, most, limited_by = _range(config, symbol)
        basis = exact(account.equity if config.basis == "equity" else account.balance)
        step = symbol.volume_step

        allowed = basis * exact(config.risk_pct) / 100
        by_risk = largest_within(allowed, least, most, lambda steps: trade.loss(steps * step)) if basis > 0 else 0
        if by_risk == 0:
            raise _risk_too_small(config, basis, allowed, account.currency, least * step, trade)
        usable = exact(account.free_margin) * exact(config.max_margin_pct) / 100
        by_margin = largest_within(usable, least, by_risk, lambda steps: trade.margin(steps * step))
        if by_margin == 0:
            raise _not_enough_margin(usable, account.currency, least * step, trade)
        if by_margin < by_risk:
            limited_by = "margin"
        elif by_risk < most:
            limited_by = "risk"

        volume = by_margin * step
        loss = trade.loss(volume)
        return PositionSizeOutput(
            volume=float(volume),
            symbol=config.symbol,
            side=config.side,
            entry=float(entry),
            stop_loss=float(stop),
            stop_distance_pips=float(abs(entry - stop) / symbol.pip),
            risk_amount=float(loss),
            risk_pct=float(100 * loss / basis),
            margin_required=float(trade.margin(volume)),
            limited_by=limited_by,
            currency=account.currency,
        )


@dataclass(frozen=True, slots=True)
class _Trade:
    """A trade whose volume is not decided yet, and what the broker says a volume would cost. `conversion` is how much
    more a loss is worth in the account's currency at the stop than now."""

    broker: Broker
    symbol: str
    side: Side
    entry: Decimal
    stop: Decimal
    commission_per_lot: Decimal
    conversion: Decimal

    def loss(self, volume: Decimal) -> Decimal:
        """What is lost at the stop, commission included, as a positive amount of the account's currency."""
        profit = exact(self.broker.profit(self.symbol, self.side, volume, float(self.entry), float(self.stop)))
        if self.conversion != 1:
            # To the cent above: where the broker rounds its own figure is not known any more.
            profit = (profit * self.conversion).quantize(_CENT, ROUND_FLOOR)
        return self.commission_per_lot * volume - profit

    def margin(self, volume: Decimal) -> Decimal:
        return exact(self.broker.margin(self.symbol, self.side, volume, float(self.entry)))


def _levels(config: PositionSizeConfig, broker: Broker, symbol: Symbol) -> tuple[Decimal, Decimal]:
    """Entry and stop as prices. Raises `NodeConfigError` for a stop that would not lose."""
    stop = Stop("stop_loss", config.stop_loss_type, config.stop_loss, loss=True)
    if config.entry is None:
        tick, _ = fresh_quote(broker, config.symbol, config.max_age_s)
        entry = exact(tick.ask if config.side is Side.BUY else tick.bid)
        price = stop.price(config.side, entry, symbol)
        stop.check(price, config.side, tick, symbol)
        return entry, price
    entry = exact(config.entry)
    price = stop.price(config.side, entry, symbol)
    where = "below" if stop.below(config.side) else "above"
    if price == entry or (price < entry) != stop.below(config.side):
        raise NodeConfigError(
            f"a {config.side}'s stop loss must be {where} the entry: {price} is not {where} {entry}",
            field="config.stop_loss",
        )
    return entry, price


def _conversion_at(stop: Decimal, config: PositionSizeConfig, broker: Broker, symbol: Symbol, currency: str) -> Decimal:
    """By how much a loss in the profit currency weighs more at the stop than now, in the account's currency.

    The broker converts at today's price. Where the symbol itself is what converts (USDJPY in a dollar account: yen lost
    are paid in dollars at USDJPY's own bid), its price at the stop is known: a buy's is the stop, a sell's is bid a
    spread below it. Other conversions move by themselves, and nobody knows how.
    """
    if not _converts_itself(broker, symbol, currency):
        return Decimal(1)
    tick, _ = fresh_quote(broker, config.symbol, config.max_age_s)
    bid, spread = exact(tick.bid), exact(tick.ask) - exact(tick.bid)
    bid_then = stop if config.side is Side.BUY else max(stop - spread, symbol.point)
    return bid / bid_then


def _converts_itself(broker: Broker, symbol: Symbol, currency: str) -> bool:
    """Whether the way from the symbol's profit currency to the account's leads through the symbol.

    MetaTrader converts through the pair of both currencies where the broker has one, else by way of the dollar.
    """
    base, profit = symbol.currency_base, symbol.currency_profit
    if base == profit or profit == currency:
        return False
    if base == currency:
        return True
    if base != "USD":
        return False
    suffix = symbol.name.removeprefix(base + profit) if symbol.name.startswith(base + profit) else ""
    return not any(_offers(broker, f"{pair}{suffix}") for pair in (currency + profit, profit + currency))


def _offers(broker: Broker, name: str) -> bool:
    try:
        broker.symbol(name)
    except NotFound:
        return False
    return True


def _risk_too_small(
    config: PositionSizeConfig, basis: Decimal, allowed: Decimal, currency: str, smallest: Decimal, trade: _Trade
) -> RiskTooSmall:
    return RiskTooSmall(
        f"{config.risk_pct:g} % of the {config.basis} of {basis:.2f} is {_at_most(allowed)} {currency}; "
        f"the smallest order, {smallest} lots, would lose {_at_least(trade.loss(smallest))} at the stop",
        hint="allow more risk, or place the stop nearer",
    )


def _not_enough_margin(usable: Decimal, currency: str, smallest: Decimal, trade: _Trade) -> NotEnoughMargin:
    return NotEnoughMargin(
        f"the smallest order, {smallest} lots, needs a margin of {_at_least(trade.margin(smallest))} {currency}; "
        f"{_at_most(usable)} of the free margin may be used"
    )


def _at_most(amount: Decimal) -> Decimal:
    """Cents that do not make a refusal look like a rounding error; `_at_least` likewise."""
    return amount.quantize(_CENT, ROUND_FLOOR)


def _at_least(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_CEILING)


def _range(config: PositionSizeConfig, symbol: Symbol) -> tuple[int, int, LimitedBy]:
    """The smallest and largest order in volume steps, and what sets the largest."""
    step = symbol.volume_step
    largest = symbol.volume_max
    limited_by: LimitedBy = "symbol_max"
    if config.max_volume is not None and exact(config.max_volume) < largest:
        largest, limited_by = exact(config.max_volume), "max_volume"
    least = int((symbol.volume_min / step).to_integral_value(ROUND_CEILING))
    most = int(largest / step)
    if most < least:
        raise NodeConfigError(
            f"the largest volume of {largest} lots is below the smallest order of {symbol.volume_min}",
            field="config.max_volume",
        )
    return least, most, limited_by


def largest_within(limit: Decimal, least: int, most: int, cost: Callable[[int], Decimal]) -> int:
    """The largest count from `least` to `most` whose cost is within the limit; 0 when even that of `least` is not.

    The cost must not fall as the count grows. It is asked for rarely, for each time goes to the broker: four times
    when it is proportional, and some twenty when it is not (margin in tiers).
    """
    highest = cost(most)
    if highest <= limit:
        return most
    if cost(least) > limit:
        return 0
    low, high = least, most
    guess, stride = int(most * limit / highest), 1
    while high - low > 1:
        if not low < guess < high:
            guess = (low + high) // 2
        if cost(guess) <= limit:
            low, guess = guess, guess + stride
        else:
            high, guess = guess, guess - stride
        stride *= 2
    return low
