"""What the API needs of accounts, their orders, trades and markets."""

from collections.abc import Sequence
from typing import Protocol

from tradeloom.api.models.accounts import AccountDetail, AccountPage, Kill, Killed, Resume, WorkflowKilled
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.api.models.market_replays import MarketReplay, StartMarketReplay
from tradeloom.api.models.orders import OrderItem, OrderPage, OrderQuery, SettleOrder
from tradeloom.api.models.trades import Trade, TradePage, TradeQuery, TradeSummaryList
from tradeloom.trading.trade_stats import GroupBy


class Accounts(Protocol):
    """Broker accounts and the kill switch."""

    def page(self, tenant: str) -> AccountPage: ...

    def get(self, tenant: str, account: str) -> AccountDetail: ...

    def holdings(self, tenant: str, account: str) -> Holdings:
        """Raises `BrokerUnavailable`, `BrokerTimeout` when the terminal does not answer."""
        ...

    def kill(self, tenant: str, user: str, account: str | None, wanted: Kill) -> Killed:
        """Stop one account, or all (None): its gate first, then what trades on it. Raises `Conflict` for a mode that
        is looser than what is in force, `BrokerUnavailable` when the bridge could not be told."""
        ...

    def resume(self, tenant: str, user: str, account: str, wanted: Resume) -> AccountDetail:
        """A person's word that it may trade again."""
        ...

    def limits(self, tenant: str, account: str) -> AccountLimits: ...

    def change_limits(self, tenant: str, user: str, account: str, wanted: ChangeLimits) -> AccountLimits:
        """Raises `Conflict` for what allows more than before, unless that is cleared, and for a lost race."""
        ...

    def kill_workflow(self, tenant: str, user: str, workflow_id: str) -> WorkflowKilled:
        """Deactivate it and stop its executions."""
        ...


class Orders(Protocol):
    """What executions sent, or meant to send, to the broker."""

    def page(self, tenant: str, wanted: OrderQuery, *, limit: int, offset: int) -> OrderPage:
        """Newest first."""
        ...

    def get(self, tenant: str, order_id: str) -> OrderItem: ...

    def settle(self, tenant: str, user: str, order_id: str, wanted: SettleOrder) -> OrderItem:
        """Raises `Conflict` for an order that does not wait for a person or a ticket of another order of ours,
        `InvalidInput` for one that does not fit, `NotFound` for one the broker does not have."""
        ...


class Trades(Protocol):
    """The trade ledger."""

    def page(self, tenant: str, wanted: TradeQuery, *, limit: int, offset: int) -> TradePage:
        """The last closed first."""
        ...

    def summary(self, tenant: str, wanted: TradeQuery, by: GroupBy, *, points: int) -> TradeSummaryList:
        """With the curve of each item in at most so many points; none for 0."""
        ...

    def export(self, tenant: str, wanted: TradeQuery) -> Sequence[Trade]:
        """All that match, the first closed first. Raises `InvalidInput` where there are too many."""
        ...


class MarketReplays(Protocol):
    """Paper markets driven through time, with everything that goes by them. Each raises `NotFound` for an account that
    is not there, and `Conflict` where no replay runs."""

    def start(self, tenant: str, account: str, wanted: StartMarketReplay) -> MarketReplay:
        """Raises `InvalidInput` for a time that is past, `Conflict` while a replay runs."""
        ...

    def get(self, tenant: str, account: str) -> MarketReplay:
        """The latest; raises `NotFound` when there was none."""
        ...

    def pause(self, tenant: str, account: str) -> MarketReplay: ...
    def resume(self, tenant: str, account: str, speed: float | None) -> MarketReplay: ...
    def stop(self, tenant: str, account: str) -> MarketReplay: ...
