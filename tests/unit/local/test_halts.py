"""Whom a halt reaches: what trades on the account, and while it reduces only what opens."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import loop
from tests.unit.local.accounts_house import status_of
from tradeloom.compiler.compile import local_arn
from tradeloom.engine.journal import Execution
from tradeloom.engine.stores import VersionRecord
from tradeloom.local.halts import Halts, trading_nodes
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.trading.risk import AccountState

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPENS, EXITS, BOTH, NEITHER, GONE = "opens", "exits", "both", "neither", "gone"
BUY, CLOSE = local_arn("order.market"), local_arn("order.close")
NODES = {
    OPENS: [{"type": "order.market"}, {"type": "order.close", "disabled": True}],
    EXITS: [{"type": "order.close"}, {"type": "order.cancel"}],
    BOTH: [{"type": "order.close"}, {"type": "order.limit"}],
    NEITHER: [{"type": "market.live_price"}, {"type": "notify.dashboard"}],
}


def halts(state: AccountState | None, account: str = "paper") -> Halts:
    blobs = MemoryBlobs()
    for version, nodes in NODES.items():
        blobs.put_artefact(version, {"document": {"nodes": nodes}})
    made = Halts(blobs)
    if state is not None:
        made.assume(account, state, reason="enough", by="me", at=AT)
    return made


def execution(version: str, account: str = "paper") -> Execution:
    return Execution(
        id="e", tenant="local", workflow_id="w", version=version, definition="d", trigger="t", account=account,
        run={}, input=None, as_of=AT, created_at=AT,
    )  # fmt: skip


def record(version: str, account: str = "paper") -> VersionRecord:
    return VersionRecord(
        tenant="local", workflow_id="w", version=version, artefact="a", definition="d", account=account, created_at=AT
    )


@pytest.mark.parametrize(
    ("state", "stopped"),
    [
        (None, set()),
        (AccountState.ACTIVE, set()),
        (AccountState.REDUCING, {OPENS, GONE}),
        (AccountState.HALTED, {OPENS, EXITS, BOTH, GONE}),
    ],
)
def test_what_goes_on_and_what_starts(state: AccountState | None, stopped: set[str]) -> None:
    """A version whose nodes cannot be read is taken for one that opens."""

    async def body() -> None:
        made = halts(state)
        for version in (*NODES, GONE):
            reason = await made.reaches(execution(version), None)
            refusal = await made.refuses(record(version))
            assert (reason is not None) == (refusal is not None) == (version in stopped), version
            assert await made.reaches(execution(version, "another"), None) is None
            assert await made.refuses(record(version, "another")) is None

    loop.run(body())


@pytest.mark.parametrize(
    ("state", "function", "stopped"),
    [
        (AccountState.REDUCING, BUY, True),
        (AccountState.REDUCING, CLOSE, False),
        (AccountState.REDUCING, local_arn("notify.dashboard"), False),
        (AccountState.HALTED, BUY, True),
        (AccountState.HALTED, CLOSE, True),
        (AccountState.HALTED, local_arn("notify.dashboard"), True),
        (AccountState.ACTIVE, BUY, False),
    ],
)
def test_what_an_execution_may_still_run(state: AccountState, function: str, stopped: bool) -> None:
    async def body() -> None:
        assert (await halts(state).reaches(execution(BOTH), function) is not None) is stopped

    loop.run(body())


def test_the_reason_says_who_and_why() -> None:
    async def body() -> None:
        reason = await halts(AccountState.HALTED).reaches(execution(OPENS), None)
        refusal = await halts(AccountState.REDUCING).refuses(record(OPENS))
        assert reason is not None
        assert reason.startswith("AccountHalted: The account paper was halted (by me, ")
        assert reason.endswith("): enough")
        assert refusal is not None
        assert "only reduces" in refusal.message
        assert "tradeloom resume paper" in (refusal.hint or "")

    loop.run(body())


def test_every_node_that_trades_opens_unless_it_says_otherwise() -> None:
    only_reduce = {name for name, reduces in trading_nodes().items() if reduces}
    assert only_reduce == {
        "order.break_even", "order.cancel", "order.close", "order.modify", "order.partial_close", "order.trailing_stop",
    }  # fmt: skip
    assert {"order.market", "order.limit", "order.stop"} <= trading_nodes().keys() - only_reduce


def test_only_a_change_of_state_is_news() -> None:
    made: Any = halts(AccountState.ACTIVE)
    assert made.take("paper", status_of(AccountState.HALTED)) is True
    assert made.take("paper", status_of(AccountState.HALTED)) is False
    assert made.any is True
    assert made.take("paper", status_of(AccountState.ACTIVE)) is True
    assert made.any is False


def test_what_is_assumed_never_loosens_what_is_known() -> None:
    made = halts(AccountState.HALTED)
    made.assume("paper", AccountState.REDUCING, reason="less", by="you", at=AT)
    standing = made.standing("paper")
    assert standing is not None
    assert (standing.state, standing.by) == (AccountState.HALTED, "me")
    assert made.standing("another") is None
