"""Switching on a workflow that trades asks for its account's limits first."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import loop
from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import BrokerTimeout, BrokerUnavailable, LimitsUnset, StorageUnavailable, TradeloomError
from tradeloom.local.activation import check_limits, may_trade
from tradeloom.local.bridging import OnLoop
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.nodes.sub_workflows import MAX_DEPTH
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.credentials import MemoryCredentials
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.trading import protocol
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits

LIMITS = RiskLimits.for_paper(("EURUSD",), max_lot=Decimal(1), max_price_age_s=60)
STATUS = AccountStatus(
    state=AccountState.HALTED, reason="lunch", by="Ada", changed_at=datetime(2024, 1, 10, tzinfo=UTC), limits=LIMITS
)
BUY = {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}}
TELL = {"id": "tell", "type": "notify.dashboard", "config": {"title": "Hour", "message": "It is time"}}


def call(name: str) -> dict[str, Any]:
    return {"id": "call", "type": "utility.sub_workflow", "config": {"workflow": name}}


class Answering:
    """A line to a bridge that answers anything with one status."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._answer = protocol.encode_answer(status)

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        return self._answer

    def close(self) -> None:
        pass


def answered(**changes: Any) -> Callable[[str], AccountStatus]:
    limits = {key: value for key, value in (LIMITS.model_dump(mode="json") | changes).items() if value is not None}
    client = BridgeClient(transport=Answering(STATUS.model_dump(mode="json") | {"limits": limits}))
    return lambda account: client.account(account).state()


def raising(error: TradeloomError) -> Callable[[str], AccountStatus]:
    def status(account: str) -> AccountStatus:
        raise error

    return status


def test_an_account_with_limits_is_fine_whatever_its_state() -> None:
    check_limits("paper", answered())


@pytest.mark.parametrize("limit", ["max_notional", "workflow", "max_daily_loss_pct"])
def test_a_limit_that_is_missing_is_named(limit: str) -> None:
    with pytest.raises(LimitsUnset, match=rf"paper.*limits\.{limit}"):
        check_limits("paper", answered(**{limit: None}))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StorageUnavailable("the account's limits are not set"), LimitsUnset),
        (BrokerUnavailable("the bridge is down"), BrokerUnavailable),
        (BrokerTimeout("no answer"), BrokerUnavailable),
    ],
)
def test_what_nobody_can_vouch_for_is_not_switched_on(error: TradeloomError, kind: type[TradeloomError]) -> None:
    with pytest.raises(kind) as caught:
        check_limits("paper", raising(error))
    assert type(caught.value) is kind
    assert (caught.value.field, "paper" in caught.value.message) == ("settings.broker_account", True)
    assert error.message in caught.value.message


@pytest.mark.parametrize("nodes", [[], [TELL], [BUY | {"disabled": True}], [call("Exit rules")]])
def test_what_does_not_trade_needs_none(nodes: list[dict[str, Any]]) -> None:
    assert not may_trade(nodes)


@pytest.mark.parametrize("node", [BUY, call("= trigger.payload.rules"), call("Rules {{ item }}")])
def test_what_trades_or_may_run_anything_needs_them(node: dict[str, Any]) -> None:
    assert may_trade([TELL, node])


class Machine:
    """The API's workflows in memory. `status` is what the account's bridge says."""

    def __init__(self, key: Path) -> None:
        self.status = answered()
        self.asked: list[str] = []
        stores = MemoryStores()
        self.workflows = LocalWorkflows(
            OnLoop(asyncio.get_running_loop()),
            stores,
            stores,
            MemoryBlobs(),
            Vault(MemoryCredentials(), KeyFile(key)),
            market_now=lambda account: STATUS.changed_at,
            account_status=self._status,
            changed=self._changed,
            stop_all=self._stop_all,
            last_runs=MemoryJournal().last_runs,
        )

    def _status(self, account: str) -> AccountStatus:
        self.asked.append(account)
        return self.status(account)

    async def _changed(self, tenant: str, workflow_id: str) -> None:
        pass

    async def _stop_all(self, tenant: str, workflow_id: str, reason: str) -> int:
        return 0


def workflow(*nodes: dict[str, Any], name: str = "W", account: str = "paper") -> Any:
    start = {"id": "start", "type": "trigger.manual"}
    connections = [{"source": "start", "target": each["id"]} for each in nodes]
    document = {"name": name, "nodes": [start, *nodes], "connections": connections}
    return compile_workflow(document | {"settings": {"broker_account": account}})


async def _switched(key: Path) -> None:
    machine = Machine(key)
    workflows = machine.workflows
    made = await asyncio.to_thread(workflows.create, "t", workflow(BUY))
    machine.status = answered(max_notional=None)
    with pytest.raises(LimitsUnset):
        await asyncio.to_thread(workflows.toggle, "t", made.id, True)
    assert not (await asyncio.to_thread(workflows.get, "t", made.id)).active
    machine.status = answered()
    assert (await asyncio.to_thread(workflows.toggle, "t", made.id, True)).active
    machine.status = raising(BrokerUnavailable("the bridge is down"))
    with pytest.raises(BrokerUnavailable):  # another version of what is switched on
        await asyncio.to_thread(workflows.replace, "t", made.id, workflow(BUY, TELL), made.version)
    told = await asyncio.to_thread(workflows.replace, "t", made.id, workflow(TELL), made.version)
    assert told.active
    assert not (await asyncio.to_thread(workflows.toggle, "t", made.id, False)).active  # off is always possible


def test_a_workflow_that_trades_is_switched_on_only_with_limits(tmp_path: Path) -> None:
    loop.run(_switched(tmp_path / "key"))


async def _asked(key: Path, *made: Any, status: Callable[[str], AccountStatus] | None = None) -> list[str]:
    """The accounts whose limits are asked for when the last of the workflows is switched on."""
    machine = Machine(key)
    for compiled in made:
        last = await asyncio.to_thread(machine.workflows.create, "t", compiled)
    machine.status = status or answered()
    assert (await asyncio.to_thread(machine.workflows.toggle, "t", last.id, True)).active
    return machine.asked


def test_a_workflow_that_trades_only_through_others_is_asked_for_their_limits(tmp_path: Path) -> None:
    buys = workflow(BUY, name="Buys", account="live")
    calls = workflow(call("Buys"), name="Calls")
    assert loop.run(_asked(tmp_path / "key", buys, workflow(call("Buys")))) == ["live"]
    assert loop.run(_asked(tmp_path / "key", buys, calls, workflow(call("Calls"), BUY))) == ["paper", "live"]
    tells = workflow(TELL, name="Buys", account="live")
    assert loop.run(_asked(tmp_path / "key", tells, calls, workflow(call("Calls")))) == []


def test_those_that_call_each_other_in_a_circle_are_each_looked_at_once(tmp_path: Path) -> None:
    one, two = workflow(call("Two"), BUY, name="One"), workflow(call("One"), call("Two") | {"id": "again"}, name="Two")
    assert loop.run(_asked(tmp_path / "key", one, two)) == ["paper"]


def test_a_sub_workflow_that_is_not_there_or_not_the_only_one_fails_when_it_runs(tmp_path: Path) -> None:
    same = [workflow(BUY, name="Same"), workflow(BUY, TELL, name="Same")]
    assert loop.run(_asked(tmp_path / "key", *same, workflow(call("Nobody"), call("Same") | {"id": "c"}))) == []


def test_it_goes_no_deeper_than_workflows_may_call_each_other(tmp_path: Path) -> None:
    chain = [workflow(BUY, name="0"), *(workflow(call(str(n)), name=str(n + 1)) for n in range(MAX_DEPTH))]
    assert loop.run(_asked(tmp_path / "key", *chain)) == ["paper"]
    assert loop.run(_asked(tmp_path / "key", *chain, workflow(call(str(MAX_DEPTH))))) == []


def test_the_refusal_names_the_workflow_and_the_node(tmp_path: Path) -> None:
    made = [workflow(BUY, name="Buys", account="live"), workflow(call("Buys"), name="Calls")]
    for status, kind in (
        (answered(max_notional=None), LimitsUnset),
        (raising(BrokerUnavailable("the bridge is down")), BrokerUnavailable),
    ):
        with pytest.raises(kind, match=r"live.*'Buys'") as caught:
            loop.run(_asked(tmp_path / "key", *made, workflow(call("Calls")), status=status))
        assert (caught.value.node, caught.value.field) == ("call", "config.workflow")
