"""market.symbol: the facts of an instrument."""

from decimal import Decimal

from pydantic import Field

from tradeloom.errors import StalePrice
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting, symbol_setting, two_sided_quote
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side


class SymbolConfig(NodeConfig):
    symbol: str = symbol_setting()
    account: str | None = account_setting()


class SymbolOutput(NodeOutput):
    symbol: str = Field(description="The instrument.")
    digits: int = Field(description="Digits after the decimal point of its price.")
    point: float = Field(description="Its smallest quoted unit.")
    pip: float = Field(description="Ten points on prices with 3 or 5 digits, one point otherwise.")
    tick_size: float = Field(description="The smallest step of its price.")
    pip_value: float = Field(description="What a lot wins or loses with a pip, in the account's currency.")
    contract_size: float = Field(description="Units of the instrument in a lot.")
    volume_min: float = Field(description="The smallest order, in lots.")
    volume_max: float = Field(description="The largest order, in lots.")
    volume_step: float = Field(description="Volumes are whole numbers of this.")
    stops_level: int = Field(description="Least distance of stops and pending orders from the price, in points.")
    freeze_level: int = Field(description="So near the price orders cannot be changed, in points.")
    margin_per_lot: float = Field(description="Margin a bought lot would bind now, in the account's currency.")
    currency_base: str = Field(description="What is bought.")
    currency_profit: str = Field(description="What it is paid in.")
    currency_margin: str = Field(description="What its margin is reckoned in.")
    currency: str = Field(description="The account's currency.")


class SymbolNode(Node):
    type = "market.symbol"
    title = "Symbol facts"
    description = "What the broker says of an instrument: pip value, volumes, distances, margin, currencies."
    help = (
        "Brokers differ in contract sizes, digits and volumes, most of all for metals, indices and coins; take these "
        "facts from here instead of writing them into a workflow. `pip_value` and `margin_per_lot` are the broker's "
        "own figures in the account's currency, at the prices of the moment.\n\n"
        "Pip value comes from the profit of a lot that moves by a hundred pips, so that cents do not round it away."
    )
    icon = "info"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET})
    errors = (StalePrice, *READ_ERRORS)
    example = Example(title="Facts of EURUSD", config={"symbol": "EURUSD"})
    Config = SymbolConfig
    Output = SymbolOutput

    def run(self, config: SymbolConfig, context: NodeContext) -> SymbolOutput:
        broker = context.broker(config.account)
        facts, tick = broker.symbol(config.symbol), two_sided_quote(broker, config.symbol)
        ask = exact(tick.ask)
        moved = broker.profit(config.symbol, Side.BUY, Decimal(1), float(ask), float(ask + 100 * facts.pip))
        return SymbolOutput(
            symbol=facts.name,
            digits=facts.digits,
            point=float(facts.point),
            pip=float(facts.pip),
            tick_size=float(facts.tick_size),
            pip_value=float(exact(moved) / 100),
            contract_size=float(facts.contract_size),
            volume_min=float(facts.volume_min),
            volume_max=float(facts.volume_max),
            volume_step=float(facts.volume_step),
            stops_level=facts.stops_level,
            freeze_level=facts.freeze_level,
            margin_per_lot=broker.margin(config.symbol, Side.BUY, Decimal(1), tick.ask),
            currency_base=facts.currency_base,
            currency_profit=facts.currency_profit,
            currency_margin=facts.currency_margin,
            currency=broker.account().currency,
        )
