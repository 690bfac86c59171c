"""What handlers need from outside, and where it comes from.

A handler is built with no adapters; the process that runs it names them. `TRADELOOM_SERVICES=module:function` names
a function that returns the `Services`; the engine's workers and the Lambda functions each set their own.
"""

import importlib
import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from tradeloom.network.messages import Http, Mail
    from tradeloom.nodes.base import Credential
    from tradeloom.nodes.sub_workflows import SubWorkflows
    from tradeloom.nodes.tenant_database import TenantDatabase
    from tradeloom.nodes.variables import Variables
    from tradeloom.runtime.envelope import RunInfo
    from tradeloom.trading.broker import Broker

VARIABLE = "TRADELOOM_SERVICES"
CLOUD = "tradeloom.storage.cloud:services"


Level = Literal["info", "success", "warning", "error"]


class Notification(BaseModel):
    """A message for the console. `id` is the same for the same (execution, node, iteration): shown once."""

    model_config = ConfigDict(frozen=True)

    id: str
    execution_id: str
    workflow_id: str
    node_id: str
    level: Level
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A credential, and every text that must not show anywhere: its secret fields, and what they travel as."""

    credential: "Credential"
    secrets: tuple[str, ...] = field(repr=False)


class Services(Protocol):
    """Adapters a handler may use; each is reached only when asked for."""

    def artefact(self, version: str) -> dict[str, Any]:
        """The version artefact `{document, memory}` an execution started with; raises `NotFound`."""
        ...

    def store_blob(self, content: bytes) -> str:
        """Keep a large output; answers its sha256 in hex."""
        ...

    def load_blob(self, sha256: str) -> bytes: ...

    def broker(self, account: str) -> "Broker": ...

    def notify(self, notification: Notification) -> None: ...

    def credential(self, run: "RunInfo", node: str, reference: str) -> Disclosed:
        """A credential the node's own configuration names. Raises `NotFound` and `CredentialProblem`."""
        ...

    def variables(self, run: "RunInfo") -> "Variables":
        """The run's tenant's variables; in test mode, with the run's own changes over them."""
        ...

    def http(self) -> "Http":
        """The way out to public servers, and to what this process's operator allows besides."""
        ...

    def mail(self) -> "Mail": ...

    def database(self, run: "RunInfo") -> "TenantDatabase":
        """The run's tenant's own tables."""
        ...

    def sub_workflows(self, run: "RunInfo") -> "SubWorkflows": ...

    def may_act(self, run: "RunInfo", node: str) -> None:
        """Raise `ExecutionStopped` when the execution was stopped or its version may not trade any more."""
        ...


@cache
def current() -> Services:
    """This process's services, made on first use."""
    module, _, function = os.environ.get(VARIABLE, CLOUD).partition(":")
    made: Services = getattr(importlib.import_module(module), function)()
    return made
