"""Whether a failed execution may go on, and what of it is tried anew."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

import pytest

from tests.support.loop import run as on_loop
from tests.unit.local.test_recorded import run
from tradeloom.compiler.compile import compile_workflow
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import Execution, RetryRecord
from tradeloom.engine.orders import OrderRecord, OrderState
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import AccountHalted, RetryRefused
from tradeloom.local.retrying import OLD, Retries, check_age, check_order, check_requests, tried_anew
from tradeloom.nodes.registry import node_types
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.stores import MemoryStores

NOW = datetime(2026, 11, 26, tzinfo=UTC)
BUY = {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}}
TELL = {"type": "notify.dashboard", "config": {"title": "T", "message": "M"}}


def chain(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    drawn = [{"id": "start", "type": "trigger.manual"}, *nodes]
    top = [node for node in drawn if "parent" not in node]
    connections = [{"source": one["id"], "target": other["id"]} for one, other in itertools.pairwise(top)]
    return {"name": "Chain", "nodes": drawn, "connections": connections, **more}


def order(state: OrderState, **more: Any) -> OrderRecord:
    given: dict[str, Any] = {
        "tenant": "local",
        "client_order_id": "o1",
        "magic": 1,
        "account": "paper",
        "execution_id": "e1",
        "workflow_id": "w1",
        "version": "v1",
        "node": "buy",
        "intent": {},
        "created_at": NOW,
        "updated_at": NOW,
        "state": state,
    }
    return OrderRecord(**(given | more))


# -- what is tried anew -----------------------------------------------------------------------------------------


def anew(document: dict[str, Any], *runs: Any) -> dict[str, int]:
    return tried_anew(runs, compile_workflow(document).plan)


def test_what_ended_the_execution_is_tried_anew_and_what_succeeded_is_not() -> None:
    document = chain(BUY, {"id": "tell", **TELL})
    failed = [run("tell", status="FAILED", attempt=attempt) for attempt in (0, 1)]
    assert anew(document, run("start"), run("buy"), *failed) == {"tell": 2}


def test_what_was_cut_off_is_tried_anew_and_a_wait_is_not_one_of_them() -> None:
    document = chain({"id": "pause", "type": "utility.delay", "config": {"seconds": 5}}, {"id": "tell", **TELL})
    cut = [run("tell", status="ABORTED"), run("pause", kind="wait", status="ABORTED")]
    assert anew(document, run("start"), *cut) == {"tell": 1}


@pytest.mark.parametrize("on_error", ["continue", "route"])
def test_a_failure_the_workflow_dealt_with_stands(on_error: str) -> None:
    lenient = {"id": "first", **TELL, "on_error": on_error}
    document = chain(lenient, {"id": "tell", **TELL})
    document["connections"][1]["source_port"] = "error" if on_error == "route" else "main"
    assert anew(document, run("first", status="FAILED"), run("tell", status="FAILED")) == {"tell": 1}


@pytest.mark.parametrize(("isolates", "expected"), [(False, {"each[1]/tell": 1}), (True, {})])
def test_in_a_loop_only_what_ended_the_loop_and_all(isolates: bool, expected: dict[str, int]) -> None:
    each: dict[str, Any] = {"id": "each", "type": "utility.for_each", "config": {"items": "= [1, 2]"}}
    each["config"]["on_item_error"] = "continue" if isolates else "stop"
    document = chain(each)
    document["nodes"].append({"id": "tell", **TELL, "parent": "each"})
    failed = run("tell", status="FAILED", path="each[1]/tell", iteration=[1])
    assert anew(document, run("start"), run("each"), failed) == expected


# -- requests whose outcome nobody knows ------------------------------------------------------------------------


def request(**config: Any) -> dict[str, Any]:
    return {"id": "ask", "type": "utility.http", "config": {"url": "https://example.com/", "method": "POST"} | config}


def asked(drawn: dict[str, Any], *runs: Any) -> None:
    plan = compile_workflow(chain(drawn, {"id": "tell", **TELL})).plan
    check_requests(runs, plan, tried_anew(runs, plan))


def lost(name: str, **more: Any) -> Any:
    return run("ask", status="FAILED", error={"name": name, "message": "m", "cause": "c"}, **more)


CUT_OFF = [lost("ReplyLost"), lost("States.Timeout"), lost("Sandbox.Timedout"), lost("Runtime.ExitError")]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failed", [*CUT_OFF, run("ask", status="ABORTED")])
def test_a_request_that_may_have_taken_effect_is_not_sent_again(method: str, failed: Any) -> None:
    with pytest.raises(RetryRefused, match="took effect is not known") as caught:
        asked(request(method=method), failed)
    assert (caught.value.node, bool(caught.value.hint)) == ("ask", True)


def test_an_earlier_attempt_that_may_have_taken_effect_counts_as_well() -> None:
    with pytest.raises(RetryRefused):
        asked(request(), lost("ReplyLost"), lost("NetworkFailed", attempt=1))


@pytest.mark.parametrize("harmless", [{"method": "GET"}, {"method": "PUT"}, {"idempotent": True}])
def test_a_request_that_may_be_sent_twice_is(harmless: dict[str, Any]) -> None:
    asked(request(**harmless), *CUT_OFF[:1])


@pytest.mark.parametrize("name", ["NetworkFailed", "ServerBusy", "UnexpectedStatus", "NodeConfigError"])
def test_a_request_that_was_not_sent_or_was_answered_goes_again(name: str) -> None:
    asked(request(), lost(name))


def test_a_request_that_is_not_tried_anew_blocks_nothing() -> None:
    asked({**request(), "on_error": "continue"}, lost("ReplyLost"), run("tell", status="FAILED"))


@pytest.mark.parametrize("kind", ["notify.email", "notify.telegram"])
def test_what_is_sent_at_least_once_may_be_sent_twice(kind: str) -> None:
    assert not node_types()[kind].at_most_once({})


# -- what keeps it from going on --------------------------------------------------------------------------------


BLOCKING = {"unknown": "not known yet", "intended": "not known yet", "manual": "nobody knows"}


@pytest.mark.parametrize("state", get_args(OrderState))
@pytest.mark.parametrize("again", [False, True])
def test_every_state_of_an_order_lets_it_pass_or_says_why_not(state: OrderState, again: bool) -> None:
    expected = BLOCKING.get(state) or ("final answer" if again and state in {"rejected", "not_sent"} else None)
    if expected is None:
        check_order(order(state), again=again)
        return
    with pytest.raises(RetryRefused, match=expected) as caught:
        check_order(order(state), again=again)
    assert caught.value.hint
    assert "o1" in caught.value.message


def execution(**more: Any) -> Execution:
    given: dict[str, Any] = {
        "id": "e1",
        "tenant": "local",
        "workflow_id": "w1",
        "version": "v1",
        "definition": "d",
        "trigger": "start",
        "account": "paper",
        "run": {},
        "input": {},
        "as_of": NOW,
        "created_at": NOW,
        "manual": True,
        "status": "FAILED",
        "error": {"name": "Broken", "message": "m"},
    }
    return Execution(**(given | more))


def test_what_is_old_wants_to_be_said() -> None:
    check_age(execution(), NOW + OLD, even_if_old=False)
    late = NOW + OLD + timedelta(seconds=1)
    with pytest.raises(RetryRefused) as caught:
        check_age(execution(), late, even_if_old=False)
    assert caught.value.field == "even_if_old"
    check_age(execution(), late, even_if_old=True)


class Asked:
    """An engine that only notes what it is asked."""

    def __init__(self) -> None:
        self.retries: list[RetryRecord] = []

    async def retry(self, row: Execution, retry: RetryRecord) -> bool:
        self.retries.append(retry)
        return True


class Case:
    """A failed execution of a workflow that buys and tells, and everything around it as it should be."""

    def __init__(self) -> None:
        self.engine, self.stores, self.blobs, self.orders = Asked(), MemoryStores(), MemoryBlobs(), MemoryOrders()
        self.journal = MemoryJournal(linger_s=0)
        self.market = NOW
        self.runs = [run("start"), run("buy"), run("tell", status="FAILED")]
        self.draw(BUY, {"id": "tell", **TELL})
        self.halted: AccountHalted | None = None

    def draw(self, *nodes: dict[str, Any]) -> None:
        self.compiled = compile_workflow(chain(*nodes))
        self.blobs.put_artefact(self.compiled.version, self.compiled.artefact)

    def version(self, name: str | None = None) -> VersionRecord:
        return VersionRecord(
            tenant="local",
            workflow_id="w1",
            version=name or self.compiled.version,
            artefact="a",
            definition="d",
            account="paper",
            created_at=NOW,
        )

    async def attempt(self, *, even_if_old: bool = False, saved: bool = True, **changes: Any) -> list[RetryRecord]:
        if saved:
            await self.stores.save(self.version(), name="W", description="")
        row = execution(version=self.compiled.version, **changes)
        await self.journal.open()
        assert await self.journal.create(replace(row, status="PENDING"))
        self.journal.record(row)
        for number, each in enumerate(self.runs):
            self.journal.record(replace(each, started_seq=number))
        await self.journal.barrier("e1")

        async def refuses(version: VersionRecord) -> AccountHalted | None:
            return self.halted

        retries = Retries(
            engine=cast(Engine, self.engine),
            journal=self.journal,
            workflows=self.stores,
            blobs=self.blobs,
            orders=self.orders,
            clock_for_account=lambda account: ManualClock(self.market),
            refuses=refuses,
        )
        try:
            await retries.retry(row, "ann", even_if_old=even_if_old)
        finally:
            await self.journal.close()
        return self.engine.retries


def refused(case: Case, match: str, **changes: Any) -> None:
    with pytest.raises(RetryRefused, match=match):
        on_loop(case.attempt(**changes))
    assert case.engine.retries == []


def test_it_goes_on_with_who_when_and_what_it_had_failed_with() -> None:
    (retry,) = on_loop(Case().attempt())
    assert (retry.number, retry.by, retry.anew) == (1, "ann", {"tell": 1})
    assert retry.error == {"name": "Broken", "message": "m"}


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUCCEEDED", "STOPPED"])
def test_only_what_failed_is_retried(status: str) -> None:
    refused(Case(), "still runs|only one that failed", status=status)


def test_a_version_that_was_replaced_or_deleted_does_not_go_on() -> None:
    case = Case()
    on_loop(case.stores.save(case.version(), name="W", description=""))
    on_loop(case.stores.save(case.version("newer"), name="W", description=""))
    refused(case, "changed since", saved=False)
    refused(Case(), "deleted", saved=False)


def test_what_a_trigger_started_goes_on_only_while_its_version_is_active() -> None:
    refused(Case(), "deactivated", manual=False)
    case = Case()
    on_loop(case.stores.save(case.version(), name="W", description=""))
    on_loop(case.stores.set_active("local", "w1", case.compiled.version))
    assert len(on_loop(case.attempt(saved=False, manual=False))) == 1


def test_a_halted_account_says_so() -> None:
    case = Case()
    case.halted = AccountHalted("The account paper was halted.")
    with pytest.raises(AccountHalted):
        on_loop(case.attempt())
    assert case.engine.retries == []


def test_what_trades_on_old_data_wants_a_word_and_test_mode_does_not() -> None:
    case = Case()
    case.market = NOW + 2 * OLD
    refused(case, "30 minutes old")
    for more in ({"even_if_old": True}, {"test_mode": True}):
        case = Case()
        case.market = NOW + 2 * OLD
        assert len(on_loop(case.attempt(**more))) == 1


def test_an_order_nobody_knows_the_fate_of_blocks() -> None:
    case = Case()
    on_loop(case.orders.intend(order("intended")))
    refused(case, "not known yet")


def test_a_called_execution_goes_on_only_for_a_caller_that_failed() -> None:
    refused(Case(), "not waiting for it", run={"parent": "e0"})


def test_debugging_sessions_are_not_retried() -> None:
    refused(Case(), "debugging", mode={"debug": {"stepping": True}})


def test_a_failure_of_no_node_leaves_nothing_to_try() -> None:
    case = Case()
    case.draw(BUY, {"id": "tell", **TELL, "on_error": "continue"})
    refused(case, "No node failed")


@pytest.mark.parametrize("test_mode", [False, True])
def test_a_request_nobody_knows_the_fate_of_blocks_unless_it_was_only_rendered(test_mode: bool) -> None:
    case = Case()
    case.draw(request())
    case.runs = [run("start"), run("ask", status="ABORTED")]
    if test_mode:
        assert len(on_loop(case.attempt(test_mode=True))) == 1
    else:
        refused(case, "not known")
