"""market.account: the account's money."""

from typing import Literal

from pydantic import Field

from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting


class AccountConfig(NodeConfig):
    account: str | None = account_setting()


class AccountOutput(NodeOutput):
    balance: float = Field(description="Money in the account without open positions.")
    equity: float = Field(description="Balance with the floating profit of open positions.")
    margin: float = Field(description="Money held for open positions.")
    free_margin: float = Field(description="Money left to open positions with.")
    margin_level: float | None = Field(description="Equity in percent of margin; null while no margin is in use.")
    profit: float = Field(description="Floating profit of open positions.")
    currency: str = Field(description="The currency all of these are in.")
    leverage: int = Field(description="1 to this many.")
    account: str = Field(description="The account's name in Tradeloom.")
    login: int = Field(description="The account's number at the broker.")
    trade_mode: Literal["paper", "demo", "live"] = Field(description="Whether the money is real.")
    margin_mode: Literal["netting", "hedging"] = Field(
        description="Netting holds one position per symbol, hedging any number in both directions."
    )


class AccountNode(Node):
    type = "market.account"
    title = "Account"
    description = "Balance, equity, margin and floating profit of a broker account."
    help = (
        "Reads the account at the moment the node runs. Use `equity` rather than `balance` for decisions about risk: "
        "it already contains what open positions have lost.\n\n"
        "`margin_level` is null while nothing is open; ask `nodes.account.margin == 0 || nodes.account.margin_level > "
        "200` rather than comparing it alone."
    )
    icon = "wallet"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_STATE})
    errors = READ_ERRORS
    example = Example(title="The workflow's own account", config={})
    Config = AccountConfig
    Output = AccountOutput

    def run(self, config: AccountConfig, context: NodeContext) -> AccountOutput:
        broker = context.broker(config.account)
        facts = broker.account().model_dump(exclude={"name", "credit"})
        return AccountOutput(account=broker.account_name, **facts)
