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
from tradeloom.local.activation import check_limits
from tradeloom.local.bridging import OnLoop
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.storage.memory import MemoryBlobs, MemoryStores
from tradeloom.storage.memory_credentials import MemoryCredentials
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


def never(account: str) -> AccountStatus:
    raise AssertionError("nobody has to be asked")


def test_an_account_with_limits_is_fine_whatever_its_state() -> None:
    check_limits("paper", [BUY], answered())


@pytest.mark.parametrize("limit", ["max_notional", "workflow", "max_daily_loss_pct"])
def test_a_limit_that_is_missing_is_named(limit: str) -> None:
    with pytest.raises(LimitsUnset, match=rf"paper.*limits\.{limit}"):
        check_limits("paper", [TELL, BUY], answered(**{limit: None}))


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
        check_limits("paper", [BUY], raising(error))
    assert type(caught.value) is kind
    assert (caught.value.field, "paper" in caught.value.message) == ("settings.broker_account", True)
    assert error.message in caught.value.message


@pytest.mark.parametrize("nodes", [[], [TELL], [BUY | {"disabled": True}]])
def test_what_does_not_trade_needs_none(nodes: list[dict[str, Any]]) -> None:
    check_limits("paper", nodes, never)


class Machine:
    """The API's workflows in memory. `status` is what the account's bridge says."""

    def __init__(self, key: Path) -> None:
        self.status = answered()
        self.workflows = LocalWorkflows(
            OnLoop(asyncio.get_running_loop()),
            MemoryStores(),
            MemoryBlobs(),
            Vault(MemoryCredentials(), KeyFile(key)),
            market_now=lambda account: STATUS.changed_at,
            account_status=lambda account: self.status(account),
            changed=self._changed,
            stop_all=self._stop_all,
        )

    async def _changed(self, tenant: str, workflow_id: str) -> None:
        pass

    async def _stop_all(self, tenant: str, workflow_id: str, reason: str) -> int:
        return 0


def workflow(*nodes: dict[str, Any]) -> Any:
    start = {"id": "start", "type": "trigger.manual"}
    connections = [{"source": "start", "target": each["id"]} for each in nodes]
    return compile_workflow({"name": "W", "nodes": [start, *nodes], "connections": connections})


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
