"""market.positions: what is open."""

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import READ_ERRORS, SYMBOL_LENGTH, account_setting, positions_in
from tradeloom.nodes.market._money import total
from tradeloom.trading.broker import Position
from tradeloom.trading.intents import Side


class PositionsConfig(NodeConfig):
    symbol: str | None = setting(
        None,
        title="Symbol",
        help="Only positions in this instrument; all when left empty.",
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
    )
    side: Literal["any", "buy", "sell"] = setting(
        "any", title="Side", help="Only bought or only sold positions.", widget="select"
    )
    own_only: bool = setting(
        False,
        title="This workflow's only",
        help="Leave out what others opened, by hand or not.",
        widget="toggle",
        advanced=True,
    )
    account: str | None = account_setting()


class OpenPosition(BaseModel):
    """One open position, as an output shows it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    ticket: int = Field(description="What order.close takes.")
    symbol: str = Field(description="The instrument.")
    side: Side = Field(description="buy or sell.")
    volume: float = Field(description="Lots.")
    price_open: float = Field(description="Average price it was opened at.")
    price_current: float = Field(description="Price it would close at now.")
    stop_loss: float | None = Field(description="Stop loss price; null when there is none.")
    take_profit: float | None = Field(description="Take profit price; null when there is none.")
    profit: float = Field(description="Floating profit in the account's currency, without swap.")
    swap: float = Field(description="Interest for holding it overnight so far.")
    opened_at: AwareDatetime = Field(description="When it was opened, UTC.")
    own: bool = Field(description="Whether an order of this workflow opened it.")


class PositionsOutput(NodeOutput):
    positions: list[OpenPosition] = Field(description="The positions that match, the earliest opened first.")
    count: int = Field(description="How many there are.")
    volume: float = Field(description="Their lots, bought and sold alike.")
    volume_buy: float = Field(description="Lots bought.")
    volume_sell: float = Field(description="Lots sold.")
    volume_net: float = Field(description="Lots bought minus lots sold.")
    profit: float = Field(description="Their floating profit in the account's currency, without swap.")
    swap: float = Field(description="Their swap so far.")


class Positions(Node):
    type = "market.positions"
    title = "Open positions"
    description = "The positions open on the account, with their volume and floating profit."
    help = (
        "Lists what is open, filtered by symbol and side. With `own_only` only what this workflow's orders opened "
        "counts, whichever execution they were in.\n\n"
        "A netting account holds at most one position per symbol, into which all orders merge; a hedging account holds "
        "one per order, in both directions at once, which is why bought and sold lots are also given apart. "
        "`= nodes.positions.count == 0` is the usual guard in front of an entry."
    )
    icon = "layers"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_STATE})
    errors = READ_ERRORS
    example = Example(title="This workflow's EURUSD positions", config={"symbol": "EURUSD", "own_only": True})
    Config = PositionsConfig
    Output = PositionsOutput

    def run(self, config: PositionsConfig, context: NodeContext) -> PositionsOutput:
        found = [
            position
            for position in positions_in(context.broker(config.account), config.symbol)
            if config.side in ("any", position.side.value)
            and (not config.own_only or position.workflow_id == context.workflow_id)
        ]
        found.sort(key=lambda position: (position.opened_at, position.ticket))
        bought = _lots(found, Side.BUY)
        sold = _lots(found, Side.SELL)
        return PositionsOutput(
            positions=[_shown(position, context.workflow_id) for position in found],
            count=len(found),
            volume=float(bought + sold),
            volume_buy=float(bought),
            volume_sell=float(sold),
            volume_net=float(bought - sold),
            profit=total(position.profit for position in found),
            swap=total(position.swap for position in found),
        )


def _lots(positions: list[Position], side: Side) -> Decimal:
    return sum((position.volume for position in positions if position.side is side), Decimal(0))


def _shown(position: Position, workflow_id: str) -> OpenPosition:
    facts = position.model_dump(include=set(OpenPosition.model_fields), exclude={"volume"})
    return OpenPosition(volume=float(position.volume), own=position.workflow_id == workflow_id, **facts)
