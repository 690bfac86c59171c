"""What the API needs of stores and engine. Whoever serves it (`tradeloom.local`, a Lambda function) brings adapters.

Every method takes the caller's tenant first; what belongs to another tenant is `NotFound`, never refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tradeloom.api.models.accounts import AccountDetail, AccountPage, Kill, Killed, Resume, WorkflowKilled
from tradeloom.api.models.credentials import (
    CredentialDetail,
    CredentialKinds,
    CredentialPage,
    NewCredential,
    ReplacedCredential,
)
from tradeloom.api.models.debugging import DebugCommand, DebugSession, StartDebugging
from tradeloom.api.models.decisions import Decisions
from tradeloom.api.models.drafts import DraftState, KeepDraft
from tradeloom.api.models.executions import (
    Execute,
    Execution,
    ExecutionDocument,
    ExecutionPage,
    ExecutionQuery,
    LogPage,
)
from tradeloom.api.models.health import Health
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.api.models.market_replays import MarketReplay, StartMarketReplay
from tradeloom.api.models.nodes import NodeTest, NodeTestResult
from tradeloom.api.models.notifications import NotificationPage
from tradeloom.api.models.orders import OrderItem, OrderPage, OrderState, SettleOrder
from tradeloom.api.models.previews import (
    Candles,
    ExpressionPreview,
    ExpressionPreviewRequest,
    IndicatorPreview,
    IndicatorPreviewRequest,
)
from tradeloom.api.models.reruns import Pin, PinList, Replay, Retry, SetPin
from tradeloom.api.models.schedules import SchedulePreview, SchedulePreviewRequest, WorkflowSchedule
from tradeloom.api.models.tables import QueryResult, RunQuery, TableList
from tradeloom.api.models.templates import Template
from tradeloom.api.models.trades import Trade, TradePage, TradeQuery, TradeSummaryList
from tradeloom.api.models.trained_models import ModelDetail, ModelList, StartTraining, Training, TrainingList
from tradeloom.api.models.usage import Usage
from tradeloom.api.models.versions import WorkflowVersionDetail, WorkflowVersionList
from tradeloom.api.models.workflows import WorkflowDetail, WorkflowPage
from tradeloom.compiler.compile import Compiled
from tradeloom.trading.timeframes import Timeframe
from tradeloom.trading.trade_stats import GroupBy


class Workflows(Protocol):
    """Workflows and their immutable versions."""

    def create(self, tenant: str, compiled: Compiled) -> WorkflowDetail: ...

    def page(self, tenant: str, *, limit: int, offset: int) -> WorkflowPage:
        """Newest change first."""
        ...

    def get(self, tenant: str, workflow_id: str) -> WorkflowDetail: ...

    def replace(self, tenant: str, workflow_id: str, compiled: Compiled, expected: str | None) -> WorkflowDetail:
        """Make `compiled` the version that runs. `expected` is the version it replaces (None: whichever stands).

        Raises `Conflict` where another stands.
        """
        ...

    def delete(self, tenant: str, workflow_id: str) -> None: ...

    def toggle(self, tenant: str, workflow_id: str, active: bool | None) -> WorkflowDetail:
        """Set whether triggers start it; None changes it to the other state."""
        ...

    def set_tags(self, tenant: str, workflow_id: str, tags: Sequence[str]) -> WorkflowDetail: ...


class Versions(Protocol):
    """What was saved of a workflow."""

    def of_workflow(self, tenant: str, workflow_id: str) -> WorkflowVersionList:
        """Newest first."""
        ...

    def get(self, tenant: str, workflow_id: str, version: str) -> WorkflowVersionDetail: ...


class Drafts(Protocol):
    """What is drawn and not saved, one a workflow."""

    def get(self, tenant: str, workflow_id: str) -> DraftState: ...

    def keep(
        self, tenant: str, user: str, workflow_id: str, draft: KeepDraft, over: str | None, *, whichever: bool
    ) -> DraftState:
        """In place of the draft with revision `over`, None being no draft; raises `Conflict` where another stands."""
        ...

    def discard(self, tenant: str, workflow_id: str) -> None: ...


class Templates(Protocol):
    """Strategies to begin from; the same for every tenant."""

    def all(self) -> list[Template]:
        """The simplest first."""
        ...

    def get(self, template_id: str) -> Template: ...


class Schedules(Protocol):
    def of_workflow(self, tenant: str, workflow_id: str, count: int) -> WorkflowSchedule:
        """The next `count` fire times of each of its schedules."""
        ...

    def preview(self, tenant: str, wanted: SchedulePreviewRequest) -> SchedulePreview:
        """Raises `InvalidInput` for an account that is not there."""
        ...


class Executions(Protocol):
    def start(self, tenant: str, user: str, workflow_id: str, wanted: Execute) -> Execution:
        """Start once and wait up to `wanted.wait_s` for the end. Raises `InvalidInput`, `Conflict`, `NotFound`."""
        ...

    def page(self, tenant: str, wanted: ExecutionQuery, *, limit: int, offset: int) -> ExecutionPage:
        """Newest first. Raises `NotFound` for a workflow that is not there."""
        ...

    def get(self, tenant: str, execution_id: str) -> Execution: ...

    def document(self, tenant: str, execution_id: str) -> ExecutionDocument:
        """What it runs. Raises `NotFound`."""
        ...

    def decisions(self, tenant: str, execution_id: str) -> Decisions:
        """Where the ways to its trading nodes ended. Raises `NotFound`."""
        ...

    def logs(self, tenant: str, execution_id: str, *, after: int, limit: int) -> LogPage: ...

    def stop(self, tenant: str, user: str, execution_id: str) -> Execution:
        """Ask it to stop; one that has ended stays as it is."""
        ...


class Reruns(Protocol):
    """Executions that go on, or are run again, and the outputs pinned on nodes. Raise `RetryRefused`, `NotFound`."""

    def retry(self, tenant: str, user: str, execution_id: str, wanted: Retry) -> Execution:
        """Go on under the same id. One that goes on already is given as it is."""
        ...

    def replay(self, tenant: str, user: str, execution_id: str, wanted: Replay) -> Execution:
        """A new execution. Raises `InvalidInput`, `Conflict` too."""
        ...

    def pins(self, tenant: str, workflow_id: str) -> PinList: ...

    def pin(self, tenant: str, user: str, workflow_id: str, node: str, wanted: SetPin) -> Pin: ...

    def unpin(self, tenant: str, workflow_id: str, node: str) -> None: ...


class Debugging(Protocol):
    def start(self, tenant: str, user: str, workflow_id: str, wanted: StartDebugging) -> DebugSession:
        """Raises `NotFound`, `InvalidDocument`, `InvalidInput`, `Conflict`."""
        ...

    def session(self, tenant: str, execution_id: str) -> DebugSession:
        """Raises `NotFound`, `Conflict` for an execution that is not debugged."""
        ...

    def command(self, tenant: str, user: str, execution_id: str, wanted: DebugCommand) -> DebugSession:
        """Raises `NotFound`, `Conflict`, `InvalidInput` and `InvalidDocument` for values that do not fit."""
        ...


class Notifications(Protocol):
    def page(self, tenant: str, *, limit: int) -> NotificationPage: ...


class NodeTests(Protocol):
    def run(self, tenant: str, user: str, test: NodeTest) -> NodeTestResult:
        """Run a node's real handler in test mode."""
        ...


class Previews(Protocol):
    """What a configuration would come to. Nothing here changes anything."""

    def expressions(self, tenant: str, wanted: ExpressionPreviewRequest) -> ExpressionPreview:
        """Raises `NotFound` for a node or an execution that is not there."""
        ...

    def candles(self, tenant: str, account: str, symbol: str, timeframe: Timeframe, count: int) -> Candles:
        """The last bars, fewer where the broker has fewer. Raises `NotFound`, `BrokerUnavailable`."""
        ...

    def indicator(self, tenant: str, wanted: IndicatorPreviewRequest) -> IndicatorPreview:
        """Raises `NotFound`, `InvalidDocument` for the configuration, `NotEnoughBars`, `BrokerUnavailable`."""
        ...


class Credentials(Protocol):
    """Write-only: nothing here gives a value back, and no error tells one."""

    def kinds(self) -> CredentialKinds: ...

    def create(self, tenant: str, wanted: NewCredential) -> CredentialDetail:
        """Raises `InvalidInput` naming the fields that are wrong, `Conflict` for a name that is taken."""
        ...

    def page(self, tenant: str, *, limit: int, offset: int) -> CredentialPage:
        """By name."""
        ...

    def get(self, tenant: str, credential_id: str) -> CredentialDetail: ...

    def replace(self, tenant: str, credential_id: str, wanted: ReplacedCredential) -> CredentialDetail:
        """Raises `InvalidInput` where a secret is to be given again, `Conflict` for a lost race."""
        ...

    def delete(self, tenant: str, credential_id: str, *, even_if_used: bool) -> None:
        """Raises `Conflict` while workflows name it, unless that is wanted."""
        ...


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

    def page(
        self,
        tenant: str,
        *,
        states: tuple[OrderState, ...],
        account: str | None,
        workflow_id: str | None,
        execution_id: str | None,
        limit: int,
        offset: int,
    ) -> OrderPage:
        """Newest first; no states means all."""
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


class Tables(Protocol):
    """The tenant's own tables. Raise `QueryTimeout`, `StorageUnavailable`."""

    def listing(self, tenant: str) -> TableList:
        """By name."""
        ...

    def query(self, tenant: str, wanted: RunQuery) -> QueryResult:
        """Raises `QueryRefused`, `QueryFailed`, `ResultTooLarge`, `NotANumber`, `InvalidInput` for parameters."""
        ...


class Models(Protocol):
    """Models of price forecasts. What names one raises `NotFound`."""

    def listing(self, tenant: str) -> ModelList:
        """By name."""
        ...

    def get(self, tenant: str, model: str) -> ModelDetail: ...

    def promote(self, tenant: str, model: str, version: str | None) -> ModelDetail:
        """None lets the newest be used again."""
        ...

    def rollback(self, tenant: str, model: str) -> ModelDetail: ...

    def train(self, tenant: str, wanted: StartTraining) -> Training:
        """Raises `InvalidInput` for an account that is not there, `Conflict` while another is trained."""
        ...

    def trainings(self, tenant: str) -> TrainingList: ...

    def training(self, tenant: str, training_id: str) -> Training: ...


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


class UsageMeter(Protocol):
    def usage(self, tenant: str) -> Usage: ...


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
