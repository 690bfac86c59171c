"""Whether a failed execution may go on under its own id, and what of it is tried anew."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.compiler.compile import plan_of
from tradeloom.compiler.plan import Plan
from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Refuses
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import ACTIVE, RETRYABLE, Execution, Journal, NodeRun, RetryRecord
from tradeloom.engine.orders import OrderFilter, OrderRecord, OrderStore
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.errors import ExecutionStopped, NotFound, ReplyLost, RetryRefused
from tradeloom.local.activation import may_trade
from tradeloom.workflow.document import Workflow

OLD: Final = timedelta(minutes=15)
"""What was decided on data this old, in market time, is traded on only when a person says so."""
MOST_ORDERS: Final = 200

_OUTCOME_UNKNOWN: Final = frozenset({ReplyLost.__name__, "States.Timeout", "Sandbox.Timedout", "Runtime.ExitError"})
"""How a node ends whose request had left, or may have when the node was killed."""
_STATES: Final[Mapping[str, str]] = {"SUCCEEDED": "succeeded", "STOPPED": "was stopped"}


class Retries:
    """`clock_for_account` gives market clocks; `refuses` says why a version may not run now."""

    def __init__(
        self,
        *,
        engine: Engine,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        orders: OrderStore,
        clock_for_account: Callable[[str], Clock],
        refuses: Refuses,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._workflows = workflows
        self._blobs = blobs
        self._orders = orders
        self._clock_for_account = clock_for_account
        self._refuses = refuses

    async def retry(self, row: Execution, user: str, *, even_if_old: bool) -> None:
        """Let it go on, from what failed. One that was retried and has not ended stays as it is: a second click.

        Raises `RetryRefused`, `AccountHalted`, and what the engine raises.
        """
        before = await self._journal.retries(row.tenant, row.id)
        if row.status in ACTIVE and before:
            return
        _check_state(row)
        artefact = await self._artefact(row)
        await self._check_version(row)
        await self._check_account(row)
        if not row.test_mode and may_trade(artefact["document"]["nodes"]):
            check_age(row, self._clock_for_account(row.account).now(), even_if_old=even_if_old)
        runs = await self._journal.node_runs(row.tenant, row.id)
        plan = plan_of(Workflow.model_validate(artefact["document"]))
        anew = tried_anew(runs, plan)
        if row.status == "FAILED" and not anew:
            raise RetryRefused(
                "No node failed that could be tried anew: the workflow itself ended the execution.",
                hint="Change the workflow, then run the execution again with the current version.",
            )
        await self._check_orders(row, runs, anew)
        if not row.test_mode:  # a test sends nothing
            check_requests(runs, plan, anew)
        retry = RetryRecord(
            execution_id=row.id, number=len(before) + 1, at=datetime.now(UTC), by=user, anew=anew, error=row.error
        )
        if not await self._engine.retry(row, retry):
            known = await self._journal.execution(row.tenant, row.id)
            if known is None or known.status == "FAILED":
                raise RetryRefused("Somebody else retried it meanwhile.", hint="Look at it again.")

    async def _artefact(self, row: Execution) -> Mapping[str, dict[str, list[dict[str, object]]]]:
        try:
            return await asyncio.to_thread(self._blobs.artefact, row.version)
        except NotFound as error:
            raise RetryRefused("The version it ran is not there any more.", hint="Start a new execution.") from error

    async def _check_version(self, row: Execution) -> None:
        """What a trigger started goes on only with the active version, what a person started with the last saved."""
        try:
            workflow = await self._workflows.workflow(row.tenant, row.workflow_id)
        except NotFound as error:
            raise RetryRefused("The workflow was deleted.") from error
        parent = row.run.get("parent")
        if parent is not None:
            caller = await self._journal.execution(row.tenant, parent)
            if caller is None or caller.status not in RETRYABLE:
                raise RetryRefused(
                    "The execution that called this one is not waiting for it.", hint="Run this one again instead."
                )
        if row.manual and parent is None and workflow.version != row.version:
            raise RetryRefused(
                "The workflow was changed since, and a retry goes on with the version it began with.",
                hint="Run it again, with the old version or the current one.",
            )
        try:
            await ActiveVersions(self._workflows, self._journal)(row, "")
        except ExecutionStopped as error:
            raise RetryRefused(
                f"It may not go on: {error.message}", hint="Activate that version again, or run the execution again."
            ) from error

    async def _check_account(self, row: Execution) -> None:
        self._clock_for_account(row.account)
        version = VersionRecord(
            tenant=row.tenant,
            workflow_id=row.workflow_id,
            version=row.version,
            artefact="",
            definition=row.definition,
            account=row.account,
            created_at=row.created_at,
        )
        halted = await self._refuses(version)
        if halted is not None:
            raise halted

    async def _check_orders(self, row: Execution, runs: Sequence[NodeRun], anew: Mapping[str, int]) -> None:
        which = OrderFilter(tenant=row.tenant, execution_id=row.id, limit=MOST_ORDERS)
        orders, _ = await self._orders.orders(which)
        again = {(run.node, tuple(run.iteration)) for run in runs if run.path in anew}
        for order in orders:
            check_order(order, again=(order.node, tuple(order.iteration)) in again)


def _check_state(row: Execution) -> None:
    if row.mode is not None and row.mode.get("debug") is not None:
        raise RetryRefused("A debugging session is not retried.", hint="Start another.")
    if row.status in ACTIVE:
        raise RetryRefused("The execution still runs.", hint="Wait until it has ended, or stop it.")
    if row.status not in RETRYABLE:
        raise RetryRefused(
            f"The execution {_STATES.get(row.status, row.status)}: only one that failed or ran out of time is retried.",
            hint="Run it again as a new execution: `tradeloom rerun`.",
        )


def check_age(row: Execution, now: datetime, *, even_if_old: bool) -> None:
    """Raises `RetryRefused` for an execution that trades and decided on what is old by now, unless that is wanted."""
    age = now - row.as_of
    if age > OLD and not even_if_old:
        raise RetryRefused(
            f"It trades, and what it decided on is {int(age.total_seconds() // 60)} minutes old.",
            field="even_if_old",
            hint="Say even_if_old where it is still to be done.",
        )


def check_order(order: OrderRecord, *, again: bool) -> None:
    """Raises `RetryRefused` for an order whose fate nobody knows, or, where its node runs `again`, one that the broker
    refused: under the same id it would only be told the same."""
    what = f"The order {order.client_order_id} of {order.node!r}"
    if order.state == "manual":
        raise RetryRefused(
            f"{what} was sent, and nobody knows what became of it.",
            node=order.node,
            hint=f"Look at the broker, then say it: tradeloom orders settle {order.client_order_id}",
        )
    if order.state in {"unknown", "intended"}:
        raise RetryRefused(
            f"{what} was sent, and its outcome is not known yet.",
            node=order.node,
            hint="The broker is being asked. Wait until `tradeloom orders` has its outcome.",
        )
    if again and order.state in {"rejected", "not_sent"}:
        told = f": {order.message}" if order.message else "."
        raise RetryRefused(
            f"{what} has its final answer, {order.state.replace('_', ' ')}{told}",
            node=order.node,
            hint="A retry keeps the order's id, so the answer would be the same. Run it again to order anew.",
        )


def check_requests(runs: Sequence[NodeRun], plan: Plan, anew: Mapping[str, int]) -> None:
    """Raises `RetryRefused` for a request that is to be sent at most once and may have been carried out."""
    for run in runs:
        node = plan.graph.nodes.get(run.node)
        if run.path not in anew or node is None or not plan.types[run.node].at_most_once(node.config):
            continue
        if run.status == "ABORTED" or (run.error or {}).get("name") in _OUTCOME_UNKNOWN:
            raise RetryRefused(
                f"Whether the request of {run.node!r} took effect is not known.",
                node=run.node,
                hint=f"Ask the server. Where it did not, run the execution again from {run.node!r}; where it did, from "
                "behind it, with a version without it.",
            )


def tried_anew(runs: Sequence[NodeRun], plan: Plan) -> dict[str, int]:
    """The addresses that are tried anew, with the first attempt that counts: what failed the execution, and what was
    cut off by its end. Failures that the workflow dealt with stand."""
    last: dict[str, NodeRun] = {}
    for run in sorted(runs, key=lambda run: run.attempt):
        if run.kind == "task":
            last[run.path] = run
    return {path: run.attempt + 1 for path, run in last.items() if _is_anew(run, plan)}


def _is_anew(run: NodeRun, plan: Plan) -> bool:
    if run.status == "ABORTED":
        return True
    return run.status == "FAILED" and run.node in plan.graph.nodes and plan.ends_all(run.node)
