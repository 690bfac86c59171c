"""The `Services` of a worker process: blob files and the broker by itself, all else by asking the engine.

The pool names it in `TRADELOOM_SERVICES`, and tells where things are in `TRADELOOM_BLOBS` and `TRADELOOM_DATABASE`
(each `module:class`), `TRADELOOM_BLOB_DIRECTORY` and `TRADELOOM_BRIDGE_STATE`.
"""

import importlib
import os
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from tradeloom import errors
from tradeloom.engine.stores import Blobs
from tradeloom.engine.workers import channel

if TYPE_CHECKING:
    from tradeloom.network.messages import Http, Mail
    from tradeloom.nodes.sub_workflows import SubWorkflows
    from tradeloom.nodes.tenant_database import TenantDatabase
    from tradeloom.nodes.variables import Variables
    from tradeloom.runtime.envelope import RunInfo
    from tradeloom.runtime.services import Disclosed, Notification, Services
    from tradeloom.trading.broker import Broker

BLOBS: Final = "TRADELOOM_BLOBS"
BLOB_DIRECTORY: Final = "TRADELOOM_BLOB_DIRECTORY"
DATABASE: Final = "TRADELOOM_DATABASE"
BRIDGE_STATE: Final = "TRADELOOM_BRIDGE_STATE"
KEPT_ARTEFACTS: Final = 64


class WorkerServices:
    def __init__(self) -> None:
        self._blobs: Blobs | None = None
        self._artefacts: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._bridge: Any = None
        self._brokers: dict[str, Broker] = {}
        self._databases: dict[str, TenantDatabase] = {}
        self._http: Http | None = None
        self._mail: Mail | None = None

    def artefact(self, version: str) -> dict[str, Any]:
        known = self._artefacts.get(version)
        if known is None:
            known = self._artefacts[version] = self._files.artefact(version)
            if len(self._artefacts) > KEPT_ARTEFACTS:
                self._artefacts.popitem(last=False)
        else:
            self._artefacts.move_to_end(version)
        return known

    def store_blob(self, content: bytes) -> str:
        return self._files.put(channel.current().redactor.raw(content))

    def load_blob(self, sha256: str) -> bytes:
        return self._files.get(sha256)

    def broker(self, account: str) -> "Broker":
        known = self._brokers.get(account)
        if known is None:
            known = self._brokers[account] = self._connect(account)
        return known

    def notify(self, notification: "Notification") -> None:
        channel.current().ask("notify", notification.model_dump())

    def credential(self, run: "RunInfo", node: str, reference: str) -> "Disclosed":
        from tradeloom.nodes.base import Credential
        from tradeloom.runtime.services import Disclosed

        engine = channel.current()
        told = engine.ask("credential", {"id": reference})
        secrets = tuple(told["secrets"])
        engine.redactor.remember(secrets)
        return Disclosed(Credential(told["id"], told["kind"], told["fields"]), secrets)

    def variables(self, run: "RunInfo") -> "Variables":
        from tradeloom.engine.worker_variables import AskedVariables

        return AskedVariables(channel.current())

    def database(self, run: "RunInfo") -> "TenantDatabase":
        """One connection a tenant. The engine tells the login by whose task this is, not by what is asked."""
        known = self._databases.get(run.tenant)
        if known is None:
            module, _, name = os.environ[DATABASE].partition(":")
            made = getattr(importlib.import_module(module), name)
            known = made(lambda renew: channel.current().ask("database", {"renew": renew}))
            self._databases[run.tenant] = known
        return known

    def http(self) -> "Http":
        if self._http is None:
            from tradeloom.network.client import GuardedHttp
            from tradeloom.network.policy import Policy

            self._http = GuardedHttp(Policy.of(os.environ))
        return self._http

    def mail(self) -> "Mail":
        if self._mail is None:
            from tradeloom.network.mail import GuardedMail
            from tradeloom.network.policy import Policy

            self._mail = GuardedMail(Policy.of(os.environ))
        return self._mail

    def sub_workflows(self, run: "RunInfo") -> "SubWorkflows":
        from tradeloom.engine.worker_sub_workflows import AskedSubWorkflows

        return AskedSubWorkflows(channel.current())

    def may_act(self, run: "RunInfo", node: str) -> None:
        channel.current().ask("may_act", {"execution_id": run.execution_id, "node": node})

    @property
    def _files(self) -> Blobs:
        if self._blobs is None:
            directory = os.environ.get(BLOB_DIRECTORY)
            if not directory:
                raise errors.StorageUnavailable(f"{BLOB_DIRECTORY} does not say where blobs are kept.")
            module, _, name = os.environ[BLOBS].partition(":")
            self._blobs = cast("Blobs", getattr(importlib.import_module(module), name)(Path(directory)))
        return self._blobs

    def _connect(self, account: str) -> "Broker":
        if self._bridge is None:
            state = os.environ.get(BRIDGE_STATE)
            if not state:
                raise errors.BrokerUnavailable("No bridge was set up for this engine.")
            from tradeloom.trading.mt5_client import BridgeClient

            self._bridge = BridgeClient(Path(state))
        from tradeloom.engine.worker_orders import AskedOrders

        broker: Broker = self._bridge.account(account, AskedOrders())
        return broker


def services() -> "Services":
    return WorkerServices()


def error_named(described: dict[str, Any]) -> Exception:
    """The error the engine answered with; one this release does not know is an unavailable storage."""
    known = getattr(errors, str(described.get("name")), None)
    message = str(described.get("message"))
    if isinstance(known, type) and issubclass(known, errors.TradeloomError):
        try:
            return known(message, **{part: described.get(part) for part in ("field", "hint")})
        except TypeError:  # an error whose constructor wants more
            return errors.TradeloomError(message)
    return errors.StorageUnavailable(message)
