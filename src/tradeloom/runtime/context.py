"""What a running node gets from its handler."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from tradeloom.errors import CredentialProblem, NotFound
from tradeloom.expressions import evaluate, parse
from tradeloom.nodes.base import Credential, Level, Source
from tradeloom.runtime.envelope import TaskInput
from tradeloom.runtime.observability import emit, report
from tradeloom.runtime.redaction import LOG_WORDS, Redactor
from tradeloom.runtime.services import Notification, Services
from tradeloom.stopping import check

if TYPE_CHECKING:
    from tradeloom.network.messages import Http, Mail
    from tradeloom.nodes.models import ModelStore
    from tradeloom.nodes.sub_workflows import SubWorkflows
    from tradeloom.nodes.tenant_database import TenantDatabase
    from tradeloom.nodes.variables import Variables
    from tradeloom.trading.bars import Bars, BarsReference
    from tradeloom.trading.broker import Broker

KEPT_BARS = 16
PROGRESS_EVERY_S = 0.1
PROGRESS_NOTE = 200
_bars: "OrderedDict[BarsReference, Bars]" = OrderedDict()


def _remember(reference: "BarsReference", bars: "Bars") -> "Bars":
    _bars[reference] = bars
    while len(_bars) > KEPT_BARS:
        _bars.popitem(last=False)
    return bars


class TaskContext:
    """The `NodeContext` of one task. `redactor` learns the credentials the node is given."""

    def __init__(
        self,
        task: TaskInput,
        sources: Sequence[Source],
        names: Mapping[str, Any],
        services: Services,
        warmup: int,
        redactor: Redactor | None = None,
    ) -> None:
        run = task.run
        self.execution_id = run.execution_id
        self.workflow_id = run.workflow_id
        self.workflow_version = run.version
        self.node_id = task.node
        self.iteration = tuple(task.iteration)
        self.as_of: datetime = run.as_of
        self.started_at: datetime = run.started_at
        self.first_at: datetime | None = task.first_at
        self.account = run.account
        self.test_mode = run.test_mode
        self.user_id = run.user_id
        self.payload: Mapping[str, Any] = run.payload
        self.sources = sources
        self.warmup_bars = warmup
        self._run = run
        self._names = names
        self._services = services
        self._redactor = Redactor() if redactor is None else redactor
        self._progress_at = 0.0

    def broker(self, account: str | None = None) -> "Broker":
        return self._services.broker(account or self.account)

    def bars(self, reference: "BarsReference") -> "Bars":
        """The bars a reference stands for. Its end is fixed, so bars once read are kept for the tasks that follow."""
        if reference.source == "kept":
            return self._kept(reference)
        if not reference.closed_only:
            return self.broker(reference.account).bars(reference)
        if reference in _bars:
            _bars.move_to_end(reference)
            return _bars[reference]
        return _remember(reference, self.broker(reference.account).bars(reference))

    def keep_bars(self, bars: "Bars") -> str:
        from tradeloom.trading.kept_bars import packed

        return self._services.store_blob(packed(bars))

    def _kept(self, reference: "BarsReference") -> "Bars":
        from tradeloom.trading.kept_bars import unpacked

        if reference.content is None:
            raise NotFound("The reference does not say which bars it stands for.", field="config.bars")
        if reference not in _bars:
            _remember(reference, unpacked(self._services.load_blob(reference.content), reference))
        return _bars[reference]

    def credential(self, reference: str | None) -> Credential:
        if not reference:
            raise CredentialProblem(
                "This needs a credential, and none is named.",
                field="config.credential",
                hint="Choose one, or add it under Credentials first.",
            )
        try:
            disclosed = self._services.credential(self._run, self.node_id, reference)
        except (CredentialProblem, NotFound) as error:
            error.field = "config.credential"
            raise
        self._redactor.remember(disclosed.secrets)
        return disclosed.credential

    def log(self, message: str, *, level: Level = "info", **fields: Any) -> None:
        record = {
            **fields,
            "level": level,
            "message": message,
            "execution_id": self.execution_id,
            "node": self.node_id,
            "iteration": list(self.iteration),
        }
        emit(self._redactor.record(record, LOG_WORDS))

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        check()
        now = monotonic()
        last = total is not None and done >= total
        if not last and now - self._progress_at < PROGRESS_EVERY_S:
            return
        self._progress_at = now
        report({"done": done, "total": total, "note": self._redactor.text(note)[:PROGRESS_NOTE]})

    def check_stopped(self) -> None:
        check()

    def before_acting(self) -> None:
        self._services.may_act(self._run, self.node_id)

    def client_order_id(self) -> str:
        # Trading nodes have loaded it; of the others, only those need it that act.
        from tradeloom.trading.intents import client_order_id

        return client_order_id(self.execution_id, self.node_id, self.iteration)

    def http(self) -> "Http":
        return self._services.http()

    def mail(self) -> "Mail":
        return self._services.mail()

    def notify(self, level: Literal["info", "success", "warning", "error"], title: str, message: str) -> str:
        key = "\x1f".join([self.execution_id, self.node_id, *map(str, self.iteration)])
        notification = Notification(
            id=hashlib.sha256(key.encode()).hexdigest()[:32],
            execution_id=self.execution_id,
            workflow_id=self.workflow_id,
            node_id=self.node_id,
            level=level,
            title=self._redactor.text(title),
            message=self._redactor.text(message),
        )
        self._services.notify(notification)
        return notification.id

    @property
    def variables(self) -> "Variables":
        return self._services.variables(self._run)

    @property
    def models(self) -> "ModelStore":
        # Only a forecast needs it.
        from tradeloom.nodes.models import ModelStore

        return ModelStore(self.variables, self._services, read_only=self.test_mode)

    @property
    def database(self) -> "TenantDatabase":
        return self._services.database(self._run)

    @property
    def sub_workflows(self) -> "SubWorkflows":
        return self._services.sub_workflows(self._run)

    def evaluate(self, expression: str, **names: Any) -> Any:
        return evaluate(parse(expression), {**self._names, **names} if names else self._names, now=self.as_of)
