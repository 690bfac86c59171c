"""What the API needs to keep workflows, and to tell what a drawing would come to."""

from collections.abc import Sequence
from typing import Protocol

from tradeloom.api.models.drafts import DraftState, KeepDraft
from tradeloom.api.models.nodes import NodeTest, NodeTestResult
from tradeloom.api.models.previews import (
    Candles,
    ExpressionPreview,
    ExpressionPreviewRequest,
    IndicatorPreview,
    IndicatorPreviewRequest,
)
from tradeloom.api.models.schedules import SchedulePreview, SchedulePreviewRequest, WorkflowSchedule
from tradeloom.api.models.templates import Template
from tradeloom.api.models.versions import WorkflowVersionDetail, WorkflowVersionList
from tradeloom.api.models.workflows import WorkflowDetail, WorkflowPage
from tradeloom.compiler.compile import Compiled
from tradeloom.trading.timeframes import Timeframe


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
