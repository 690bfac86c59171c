"""What the API needs of stores and engine. Whoever serves it (`tradeloom.local`, a Lambda function) brings adapters.

Every method takes the caller's tenant first; what belongs to another tenant is `NotFound`, never refused.
"""

from dataclasses import dataclass
from typing import Protocol

from tradeloom.api.models.health import Health
from tradeloom.api.ports.drawing import Drafts, NodeTests, Previews, Schedules, Templates, Versions, Workflows
from tradeloom.api.ports.running import Debugging, Executions, Notifications, Reruns
from tradeloom.api.ports.tenant import Credentials, Models, Tables, UsageMeter
from tradeloom.api.ports.trading import Accounts, MarketReplays, Orders, Trades

__all__ = [
    "Accounts", "Credentials", "Debugging", "Drafts", "Executions", "MarketReplays", "Models",
    "NodeTests", "Notifications", "Orders", "Ports", "Previews", "Reruns", "Schedules",
    "Status", "Tables", "Templates", "Trades", "UsageMeter", "Versions", "Workflows",
]  # fmt: skip


class Status(Protocol):
    def health(self, tenant: str) -> Health: ...


@dataclass(frozen=True)
class Ports:
    """The adapters of one installation."""

    workflows: Workflows
    versions: Versions
    drafts: Drafts
    templates: Templates
    schedules: Schedules
    executions: Executions
    reruns: Reruns
    debugging: Debugging
    notifications: Notifications
    node_tests: NodeTests
    previews: Previews
    credentials: Credentials
    status: Status
    accounts: Accounts
    orders: Orders
    trades: Trades
    tables: Tables
    models: Models
    market_replays: MarketReplays
    usage: UsageMeter
