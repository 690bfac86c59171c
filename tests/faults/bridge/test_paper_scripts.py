"""Faults of the broker's own making, from the paper terminal's script, each against the real bridge: the outcome that
is told is what the broker's books say, and the order is there once or not at all."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge.rig import MONDAY, Rig
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus

DONE, REJECTED = OutcomeStatus.DONE, OutcomeStatus.REJECTED
PARTIAL = OutcomeStatus.PARTIAL

SCRIPT: dict[str, tuple[dict[str, Any], OutcomeStatus]] = {
    "a late fill": ({"kind": "reply_lost", "delay_s": 0.5}, DONE),
    "a late fill after a time-out": ({"kind": "timeout", "executed": True, "delay_s": 0.5}, DONE),
    "accepted, then filled": ({"kind": "placed", "delay_s": 0.3}, DONE),
    "accepted, then rejected": ({"kind": "placed", "executed": False, "delay_s": 0.3}, REJECTED),
    "the comment wiped": ({"kind": "answered", "comment": ""}, DONE),
    "the answer to another order": ({"kind": "duplicate_reply"}, DONE),
    "the reply lost and the comment rewritten": ({"kind": "reply_lost", "comment": "broker #1"}, DONE),
    "history that lags behind the answer": ({"kind": "answered", "history_lag_s": 1.0}, DONE),
    "the reply lost and history that lags": ({"kind": "reply_lost", "history_lag_s": 1.0}, DONE),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("scripts")
    faults = [fault for fault, _ in SCRIPT.values()]
    with Rig(directory, faults=faults, account={"history_horizon_s": 4.0}) as rig:
        rig.client._settle_s = 30
        yield rig


def check(rig: Rig, outcome: OrderOutcome, magic: int) -> None:
    books = rig.deals()
    assert books.count(magic) == (1 if outcome.status is DONE else 0)
    entry = rig.journal(outcome.client_order_id)
    assert entry is not None
    assert entry.outcome() == outcome


@pytest.mark.parametrize("name", SCRIPT)
def test_the_outcome_is_what_the_books_say(rig: Rig, name: str) -> None:
    """In the order of the script: each test sends the one order that runs into its fault."""
    _, status = SCRIPT[name]
    intent = rig.buy(name)
    outcome = rig.broker.send(intent)
    assert outcome.status is status
    assert rig.broker.send(intent) == outcome
    check(rig, outcome, intent.magic)
    if status is DONE:
        (position,) = [held for held in rig.broker.positions() if held.magic == intent.magic]
        assert (outcome.position, outcome.volume) == (position.ticket, position.volume)


def test_a_crossed_pipe_is_found_before_anything_is_sent_through_it(tmp_path: Path) -> None:
    with Rig(tmp_path, faults=[{"kind": "wrong_login"}]) as rig:
        rig.client._settle_s = 20
        first, second = rig.buy("first"), rig.buy("second")
        assert rig.broker.send(first).status is DONE
        worker = rig.worker_pid()
        try:
            outcome = rig.broker.send(second)
        except BrokerUnavailable:
            assert second.magic not in rig.deals()
            outcome = rig.broker.send(second)
        assert outcome.status is DONE
        assert rig.worker_pid() != worker
        assert rig.deals() == [first.magic, second.magic]


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A market with a lot's third at a time, whose dealer requotes every third order."""
    rig = Rig(tmp_path_factory.mktemp("thin"), account={"history_horizon_s": 1.0})
    file = rig.directory / "paper" / "paper.json"
    config = json.loads(file.read_text())
    config["symbols"][0] |= {"liquidity_lots": "0.3", "filling_modes": ["ioc"], "requote_probability": 0.33}
    file.write_text(json.dumps(config | {"seed": 3}))
    with rig:
        yield rig


def test_a_partial_fill_comes_through_with_its_rest(thin: Rig) -> None:
    intent = thin.buy("partial", volume=Decimal("0.8"))
    outcome = thin.broker.send(intent)
    assert (outcome.status, outcome.volume, outcome.remainder) == (PARTIAL, Decimal("0.3"), Decimal("0.5"))
    assert thin.broker.send(intent) == outcome
    (position,) = [held for held in thin.broker.positions() if held.magic == intent.magic]
    assert (position.volume, position.ticket) == (Decimal("0.3"), outcome.position)
    assert thin.deals().count(intent.magic) == 1


def test_requotes_are_asked_again_and_never_doubled(thin: Rig) -> None:
    intents = [thin.buy(f"n{number}", volume=Decimal("0.01")) for number in range(20)]
    outcomes = [thin.broker.send(intent) for intent in intents]
    statuses = {outcome.status for outcome in outcomes}
    assert statuses <= {DONE, REJECTED}
    assert DONE in statuses
    for intent, outcome in zip(intents, outcomes, strict=True):
        assert thin.deals().count(intent.magic) == (1 if outcome.status is DONE else 0)


def test_what_an_exchange_keeps_working_is_not_taken_for_an_end(tmp_path: Path) -> None:
    """Under RETURN the rest of a partly filled market order stays there and fills later; the outcome follows."""
    rig = Rig(tmp_path)
    file = rig.directory / "paper" / "paper.json"
    config = json.loads(file.read_text())
    config["symbols"][0] |= {"liquidity_lots": "0.3", "filling_modes": [], "execution": "exchange"}
    file.write_text(json.dumps(config))
    with rig:
        intent = rig.buy("exchange", volume=Decimal("0.5"))
        outcome = rig.broker.send(intent)
        assert (outcome.status, outcome.volume, outcome.remainder) == (
            OutcomeStatus.PLACED,
            Decimal("0.3"),
            Decimal("0.2"),
        )
        rig.broker.advance(MONDAY + timedelta(hours=102))
        outcome = rig.broker.send(intent)
        assert (outcome.status, outcome.volume, outcome.remainder) == (DONE, Decimal("0.5"), Decimal(0))
        assert rig.deals() == [intent.magic] * 2
        (position,) = rig.broker.positions()
        assert (position.ticket, position.volume) == (outcome.position, Decimal("0.5"))
