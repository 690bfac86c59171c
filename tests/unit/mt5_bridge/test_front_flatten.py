"""A flatten at the front: halted whatever the worker does, once for an id, and never again after a person's word."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mt5_bridge.config import BridgeConfig
from mt5_bridge.front import Front
from mt5_bridge.supervisor import HandedOver
from tests.unit.mt5_bridge.fake_terminal import LIMITS, LOGIN
from tests.unit.mt5_bridge.test_front import Supervisor
from tradeloom.errors import BrokerUnavailable, InvalidInput, NotFound, StorageUnavailable
from tradeloom.trading import protocol

ID, OTHER = "f" * 32, "e" * 32


def made(directory: Path) -> Front:
    account = {
        "name": "acc", "terminal": "paper", "terminal_path": "t", "login": LOGIN, "server_time_zone": "UTC",
        "limits": LIMITS.model_dump(mode="json"),
    }  # fmt: skip
    front = Front(BridgeConfig.model_validate({"data_dir": directory, "accounts": [account]}))
    front._seats["acc"].supervisor = Supervisor()  # type: ignore[assignment]
    return front


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = made(tmp_path)
    yield front
    front.drain(0)


def worker(front: Front) -> Supervisor:
    stand_in: Any = front._seats["acc"].supervisor
    assert isinstance(stand_in, Supervisor)
    return stand_in


def call(front: Front, method: str, **params: Any) -> Any:
    payload = json.dumps({"account": "acc", "params": params}).encode()
    return protocol.decode_answer(front.call(protocol.VERSION, method, "r1", time.time() + 5, payload)).result


def flatten(front: Front, flatten_id: str = ID) -> Any:
    return call(front, "flatten", flatten_id=flatten_id, reason="enough", by="me")


def clear(front: Front) -> None:
    call(front, "set_state", state="active", reason="fine", by="me", clear=True)


@pytest.mark.parametrize(
    "worker_does",
    [
        protocol.encode_answer(None),
        BrokerUnavailable("the worker is restarting"),
        BrokerUnavailable("account acc is busy: too many calls are waiting"),
        HandedOver("no answer", Event()),
    ],
    ids=["answers", "restarts", "is busy", "hangs"],
)
def test_the_account_is_halted_and_the_wish_kept_whatever_the_worker_does(front: Front, worker_does: Any) -> None:
    worker(front).result = worker_does
    told = flatten(front)
    state = call(front, "state")
    assert (state["state"], state["reason"], state["by"]) == ("halted", "enough", "me")
    assert (told["status"], told["flatten_id"], told["left"]) == ("running", ID, None)
    assert call(front, "flattened") == call(front, "flattened", flatten_id=ID) == told
    assert worker(front).calls == ["flatten"]
    assert front.health()["accounts"]["acc"]["flattening"] is True


def test_it_survives_the_front(tmp_path: Path) -> None:
    first = made(tmp_path)
    told = flatten(first)
    first.drain(0)
    second = made(tmp_path)
    assert call(second, "flattened") == told
    assert call(second, "state")["state"] == "halted"
    second.drain(0)


def test_a_late_repetition_does_not_halt_again_what_a_person_cleared(front: Front) -> None:
    flatten(front)
    clear(front)
    assert call(front, "flattened")["status"] == "abandoned"
    assert flatten(front)["status"] == "abandoned"
    assert call(front, "state")["state"] == "active"
    assert flatten(front, OTHER)["status"] == "running"
    assert call(front, "state")["state"] == "halted"


def test_only_the_latest_runs(front: Front) -> None:
    flatten(front)
    flatten(front, OTHER)
    assert call(front, "flattened", flatten_id=ID)["status"] == "replaced"
    assert call(front, "flattened")["flatten_id"] == OTHER


def test_nothing_is_known_before_the_first(front: Front) -> None:
    assert call(front, "flattened") is None
    assert call(front, "flattened", flatten_id=ID) is None


def test_a_damaged_file_keeps_nobody_from_halting(tmp_path: Path) -> None:
    path = tmp_path / "accounts" / "acc" / "flattens.sqlite3"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database" * 1000)
    front = made(tmp_path)
    with pytest.raises(StorageUnavailable, match="close positions at the broker"):
        flatten(front)
    assert call(front, "state")["state"] == "halted"
    clear(front)
    assert call(front, "state")["state"] == "active"
    front.drain(0)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"flatten_id": "short", "reason": "r", "by": "b"}, "flatten_id"),
        ({"flatten_id": ID, "reason": "", "by": "b"}, "reason"),
        ({"flatten_id": ID, "reason": "r" * 501, "by": "b"}, "reason"),
        ({"flatten_id": ID, "reason": "r"}, "by"),
        ({"flatten_id": ID, "reason": "r", "by": "b", "clear": True}, "clear"),
    ],
)
def test_a_bad_wish_names_the_field_and_halts_nothing(front: Front, params: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(front, "flatten", **params)
    assert caught.value.field == field
    assert call(front, "state")["state"] == "active"


def test_an_account_that_is_not_there(front: Front) -> None:
    payload = json.dumps({"account": "none", "params": {"flatten_id": ID, "reason": "r", "by": "b"}}).encode()
    with pytest.raises(NotFound):
        protocol.decode_answer(front.call(protocol.VERSION, "flatten", "r1", time.time() + 5, payload))
