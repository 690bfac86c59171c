"""A `NodeContext` for unit tests of nodes: everything it gives is a plain field, everything told to it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from tests.support.fake_broker import FakeBroker
from tests.support.fake_database import FakeDatabase, with_signals
from tests.support.fake_models import FakeFiles
from tests.support.fake_network import FakeHttp, FakeMail
from tests.support.fake_sub_workflows import FakeSubWorkflows
from tests.support.fake_variables import FakeVariables
from tradeloom.errors import CredentialProblem, ExecutionStopped, NotFound
from tradeloom.nodes.base import Credential, Source
from tradeloom.nodes.models import ModelStore
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.intents import client_order_id
from tradeloom.trading.kept_bars import packed, unpacked

AS_OF = datetime(2017, 6, 1, 12, tzinfo=UTC)


@dataclass
class FakeContext:
    """`stopped` makes `before_acting` raise; `logs`, `notifications` and `acted` hold what the node did."""

    execution_id: str = "exec-1"
    workflow_id: str = "wf-1"
    workflow_version: str = "v1"
    node_id: str = "node"
    iteration: tuple[int, ...] = ()
    as_of: datetime = AS_OF
    started_at: datetime = AS_OF
    first_at: datetime | None = None
    account: str = "paper"
    test_mode: bool = False
    user_id: str = "local"
    payload: Mapping[str, Any] = field(default_factory=dict)
    sources: Sequence[Source] = ()
    warmup_bars: int = 0
    brokers: dict[str, FakeBroker] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    variables: FakeVariables = field(default_factory=FakeVariables)
    files: FakeFiles = field(default_factory=FakeFiles)
    web: FakeHttp = field(default_factory=FakeHttp)
    post: FakeMail = field(default_factory=FakeMail)
    sub_workflows: FakeSubWorkflows = field(default_factory=FakeSubWorkflows)
    database: FakeDatabase = field(default_factory=with_signals)
    kept: dict[str, bytes] = field(default_factory=dict)
    stopped: bool = False
    logs: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, str]] = field(default_factory=list)
    acted: int = 0
    progressed: list[tuple[float, float | None, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.brokers:
            self.brokers = {self.account: FakeBroker(self.account, now=self.as_of)}

    def broker(self, account: str | None = None) -> FakeBroker:
        return self.brokers[account or self.account]

    def keep_bars(self, bars: Bars) -> str:
        content = packed(bars)
        self.kept[sha256(content).hexdigest()] = content
        return sha256(content).hexdigest()

    def bars(self, reference: BarsReference) -> Bars:
        if reference.content is not None:
            return unpacked(self.kept[reference.content], reference)
        return self.broker(reference.account).bars(reference)

    def credential(self, reference: str | None) -> Credential:
        if not reference:
            raise CredentialProblem("No credential is named.", field="config.credential")
        if reference not in self.credentials:
            raise NotFound(f"There is no credential {reference!r}.", field="config.credential")
        return self.credentials[reference]

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        self.logs.append({"message": message, "level": level, **fields})

    def http(self) -> FakeHttp:
        return self.web

    def mail(self) -> FakeMail:
        return self.post

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        self.progressed.append((done, total, note))

    def check_stopped(self) -> None:
        if self.stopped:
            raise ExecutionStopped("the execution was stopped")

    def before_acting(self) -> None:
        if self.stopped:
            raise ExecutionStopped("the execution was stopped")
        self.acted += 1

    @property
    def models(self) -> ModelStore:
        return ModelStore(self.variables, self.files, read_only=self.test_mode)

    def client_order_id(self) -> str:
        return client_order_id(self.execution_id, self.node_id, self.iteration)

    def notify(self, level: Literal["info", "success", "warning", "error"], title: str, message: str) -> str:
        self.notifications.append({"level": level, "title": title, "message": message})
        return client_order_id(self.execution_id, self.node_id, self.iteration)

    def evaluate(self, expression: str, **names: Any) -> Any:
        from tradeloom.expressions import evaluate, parse

        return evaluate(parse(expression), {**self.names, **names}, now=self.as_of)
