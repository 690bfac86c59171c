"""What must hold before triggers may start a workflow that trades: its account has limits, and all of them.

The bridge refuses every order of an account without limits anyway. Asking when the workflow is switched on tells the
person who is there to do something about it, rather than the log of the first execution that wanted to trade.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.errors import BrokerUnavailable, InvalidInput, LimitsUnset, NotFound, StorageUnavailable, TradeloomError
from tradeloom.expressions.config_strings import has_placeholders, is_expression, unescape
from tradeloom.local.halts import trading_nodes
from tradeloom.local.named_workflows import workflow_named
from tradeloom.nodes.sub_workflows import MAX_DEPTH
from tradeloom.nodes.utility.sub_workflow import SubWorkflow
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.protocol import UnreadableAnswer

_FIELD = "settings.broker_account"
Nodes = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Called:
    """A workflow that another one runs: its account and nodes, and the other's node through which it comes to it."""

    name: str
    account: str
    nodes: Nodes
    through: str


def may_trade(nodes: Nodes) -> bool:
    """Whether a node trades that is not disabled, or runs a workflow whose name is computed: that may be any."""
    trades = trading_nodes()
    return any(node["type"] in trades or _names_computed(node) for node in _enabled(nodes))


async def called_workflows(
    workflows: WorkflowStore, blobs: Blobs, tenant: str, workflow_id: str, nodes: Nodes
) -> list[Called]:
    """Every workflow that this one runs, directly or through others, each once, in the version a trigger would start.

    One that is not there, or not the only one of its name, is left out: the node that names it fails when it runs.
    """
    found: list[Called] = []
    seen = {workflow_id}
    level = [(str(node["id"]), node) for node in _calls(nodes)]
    for _ in range(MAX_DEPTH):
        deeper = []
        for through, node in level:
            try:
                record = await workflow_named(workflows, tenant, unescape(_name_in(node)))
            except (NotFound, InvalidInput):
                continue
            if record.id in seen:
                continue
            seen.add(record.id)
            version = await workflows.version(tenant, record.id, record.active_version or record.version)
            artefact = await asyncio.to_thread(blobs.artefact, version.version)
            called = Called(record.name, version.account, artefact["document"]["nodes"], through)
            found.append(called)
            deeper += [(through, each) for each in _calls(called.nodes)]
        level = deeper
    return found


def check_limits(account: str, status_of: Callable[[str], AccountStatus], called: Called | None = None) -> None:
    """Asks the bridge of an account on which a workflow, or one it has `called`, trades. A halted account has its
    limits, too.

    Raises `LimitsUnset` when they are not there or not whole, naming the limit where one is missing, and
    `BrokerUnavailable` when the bridge cannot tell: what nobody can vouch for is not switched on.
    """
    whose = "" if called is None else f", on which the workflow {called.name!r} that this one runs trades,"
    where = {"field": _FIELD} if called is None else {"field": "config.workflow", "node": called.through}
    try:
        status_of(account)
    except (UnreadableAnswer, StorageUnavailable) as error:
        raise LimitsUnset(
            f"The account {account}{whose} has no limits to trade under: {error.message}",
            **where,
            hint="Set every limit in the bridge's configuration (accounts.limits), and start the bridge anew.",
        ) from error
    except TradeloomError as error:
        raise BrokerUnavailable(
            f"The limits of the account {account}{whose} cannot be read, and without them nothing that trades is "
            f"switched on: {error.message}",
            **where,
            hint="See that the account's bridge runs, then switch the workflow on again.",
        ) from error


def _enabled(nodes: Nodes) -> list[Mapping[str, Any]]:
    return [node for node in nodes if not node.get("disabled", False)]


def _calls(nodes: Nodes) -> list[Mapping[str, Any]]:
    return [node for node in _enabled(nodes) if node["type"] == SubWorkflow.type and not _names_computed(node)]


def _names_computed(node: Mapping[str, Any]) -> bool:
    name = _name_in(node) if node["type"] == SubWorkflow.type else ""
    return is_expression(name) or has_placeholders(name)


def _name_in(node: Mapping[str, Any]) -> str:
    return str((node.get("config") or {}).get("workflow", "")).strip()
