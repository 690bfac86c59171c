"""Guards on a rig over the bundled EURUSD bars: set, replayed, and looked up in the journal."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from mt5_bridge.journal import Journal
from tests.integration.bridge.rig import Rig
from tradeloom.errors import BrokerTimeout, BrokerUnavailable
from tradeloom.trading.broker import Position
from tradeloom.trading.guards import Guard, GuardKind, GuardReport, Trailing, guard_id, step_order_id
from tradeloom.trading.intents import ModifyIntent, OutcomeStatus, Side

BARS = Path(str(files("tradeloom.data").joinpath("EURUSD_H1_ask.csv")))
START = datetime(2017, 1, 3, 10, tzinfo=UTC)
FAR = START + timedelta(days=400)
POINT = Decimal("0.00001")


def price(points: int) -> float:
    return float(points * POINT)


def open_position(rig: Rig, side: Side = Side.BUY, account: str = "paper", **changes: Any) -> Position:
    broker = rig.client.account(account)
    outcome = broker.send(
        rig.buy(f"open {side} {account}", side=side, account=account, created_at=START, deadline=FAR, **changes)
    )
    assert outcome.status is OutcomeStatus.DONE, outcome
    return next(each for each in broker.positions() if each.ticket == outcome.position)


def guard_of(position: Position, rule: Any, *, node: str = "n", execution: str = "e", account: str = "paper") -> Guard:
    return Guard(
        guard_id=guard_id(account, "w", node, GuardKind(rule.kind), position),
        account=account,
        symbol="EURUSD",
        position=position.ticket,
        side=position.side,
        execution_id=execution,
        workflow_id="w",
        node_id=node,
        rule=rule,
    )


def trailing(points: int, **more: int) -> Trailing:
    return Trailing(distance=points * POINT, **{name: value * POINT for name, value in more.items()})


def advance(rig: Rig, to: datetime, account: str = "paper") -> None:
    """As whoever drives a replay does: again while the bridge's worker is being replaced."""
    give_up = time.monotonic() + 90
    while True:
        try:
            rig.client.account(account).advance(to)
            return
        except (BrokerTimeout, BrokerUnavailable):
            assert time.monotonic() < give_up


def report(rig: Rig, guard: Guard, account: str = "paper") -> GuardReport:
    reports = rig.client.account(account).guards(active_only=False, position=guard.position)
    return next(each for each in reports if each.guard.guard_id == guard.guard_id)


def steps(rig: Rig, guard: Guard) -> list[tuple[str, Decimal | None]]:
    """What the journal holds of the guard's steps, in order: how each ended, and the stop it asked for."""
    told: list[tuple[str, Decimal | None]] = []
    journal = Journal(rig.directory / "data" / "accounts" / guard.account / "journal.sqlite3")
    try:
        while (entry := journal.entry(step_order_id(guard.guard_id, len(told)))) is not None:
            wanted = entry.intent.stop_loss if isinstance(entry.intent, ModifyIntent) else None
            told.append((str(entry.state), wanted))
    finally:
        journal.close()
    return told


def rising(levels: list[Decimal | None], side: Side) -> bool:
    known = [level for level in levels if level is not None]
    ordered = sorted(known, reverse=side is Side.SELL)
    return known == ordered and len(set(known)) == len(known)


def set_guard(rig: Rig, guard: Guard) -> None:
    """As a node's retries do: its first look already takes a step, whose answer may be lost with the worker."""
    give_up = time.monotonic() + 90
    while True:
        try:
            rig.broker.guard(guard)
            return
        except (BrokerTimeout, BrokerUnavailable):
            assert time.monotonic() < give_up
