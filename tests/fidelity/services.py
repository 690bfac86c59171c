"""The adapters of a function under test: artefacts and claims in files, effects written down, a broker in memory.

`TRADELOOM_FIDELITY` is the folder that holds them all; two processes given equal folders do equal things.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradeloom.errors import BrokerUnavailable, ExecutionStopped, NotFound
from tradeloom.nodes.models import SCOPE
from tradeloom.storage.blobs import FileBlobs

if TYPE_CHECKING:
    from tests.support.fake_database import FakeDatabase
    from tests.support.fake_sub_workflows import FakeSubWorkflows
    from tests.support.fake_variables import FakeVariables
    from tradeloom.network.messages import Http, Mail
    from tradeloom.nodes.sub_workflows import SubWorkflows
    from tradeloom.nodes.tenant_database import TenantDatabase
    from tradeloom.nodes.variables import Variables
    from tradeloom.runtime.envelope import RunInfo
    from tradeloom.runtime.services import Disclosed, Notification, Services
    from tradeloom.trading.broker import Broker

FOLDER = "TRADELOOM_FIDELITY"
EFFECTS = "effects.jsonl"
STOPPED = "stopped"
"""While a file of this name stands in the folder, no execution may act."""
UNREACHABLE = "unreachable"
"""The account whose broker cannot be reached."""


class FolderServices:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = FileBlobs(folder)
        self._brokers: dict[str, Broker] = {}
        self._variables: FakeVariables | None = None
        self._database: FakeDatabase | None = None
        self._sub_workflows: FakeSubWorkflows | None = None

    def artefact(self, version: str) -> dict[str, Any]:
        return self._blobs.artefact(version)

    def store_blob(self, content: bytes) -> str:
        return self._blobs.put(content)

    def load_blob(self, sha256: str) -> bytes:
        return self._blobs.get(sha256)

    def broker(self, account: str) -> "Broker":
        if account == UNREACHABLE:
            raise BrokerUnavailable("The bridge does not answer.", hint="Is it running?")
        if account not in self._brokers:
            # numpy comes with it, which a light function must never load.
            from tests.fidelity.market import open_market

            self._brokers[account] = open_market(account, lambda sent: self._happened("order", sent))
        return self._brokers[account]

    def notify(self, notification: "Notification") -> None:
        self._happened("notification", notification.model_dump(mode="json"))

    def variables(self, run: "RunInfo") -> "Variables":
        if self._variables is None:
            from tests.support.fake_variables import FakeVariables

            self._variables = FakeVariables(on_write=self._wrote)
        return self._variables

    def credential(self, run: "RunInfo", node: str, reference: str) -> "Disclosed":
        from tests.support.credentials import CREDENTIALS
        from tradeloom.accounts.credentials.kinds import secrets_of
        from tradeloom.runtime.services import Disclosed

        if reference not in CREDENTIALS:
            raise NotFound(f"There is no credential {reference!r}.")
        found = CREDENTIALS[reference]
        return Disclosed(found, tuple(secrets_of(found.kind, found.fields)))

    def database(self, run: "RunInfo") -> "TenantDatabase":
        if self._database is None:
            from tests.support.fake_database import with_signals

            self._database = with_signals()
            self._database.on_write = lambda kind, table, row: self._happened("row", {kind: table, "row": dict(row)})
        return self._database

    def http(self) -> "Http":
        from tests.support.fake_network import FakeHttp

        return FakeHttp(on_send=lambda sent: self._happened("request", {"method": sent.method, "url": sent.url}))

    def mail(self) -> "Mail":
        from tests.support.fake_network import FakeMail

        return FakeMail(on_send=lambda sent: self._happened("mail", {"to": sent.to, "subject": sent.subject}))

    def sub_workflows(self, run: "RunInfo") -> "SubWorkflows":
        if self._sub_workflows is None:
            from tests.support.fake_sub_workflows import FakeSubWorkflows

            self._sub_workflows = FakeSubWorkflows(
                on_start=lambda workflow, payload: self._happened("workflow", {"name": workflow, "payload": payload})
            )
        return self._sub_workflows

    def may_act(self, run: "RunInfo", node: str) -> None:
        if (self._folder / STOPPED).exists():
            raise ExecutionStopped(f"The execution {run.execution_id} was stopped.")

    def _wrote(self, scope: str, key: str, value: Any) -> None:
        if scope != SCOPE:  # a model that is kept follows from its bars: keeping it is no effect
            self._happened("variable", {"written": [scope, key, value]})

    def _happened(self, kind: str, what: dict[str, Any]) -> None:
        with (self._folder / EFFECTS).open("a") as file:
            file.write(json.dumps({kind: what}, sort_keys=True) + "\n")


def services() -> "Services":
    return FolderServices(Path(os.environ[FOLDER]))
