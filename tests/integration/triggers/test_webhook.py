"""The webhook door on the whole machine, over HTTP: who is let in, and that each request starts once."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.integration.api.conftest import machine
from tests.integration.workflows.drawing import node
from tests.support.local_machine import RunningMachine
from tradeloom.local.webhooks import Door
from tradeloom.network.composing import SIGNATURE_HEADER, signature

__all__ = ["machine"]

SECRET = "a-secret-of-more-than-sixteen-characters"
BODY = {"symbol": "EURUSD", "price": 1.1}


class Hook:
    """An active workflow's webhook, and whoever calls it."""

    def __init__(self, machine: RunningMachine, kind: str, fields: dict[str, str], **config: Any) -> None:
        self.machine = machine
        made = machine.post("/credentials", {"name": f"hook {uuid.uuid4().hex}", "kind": kind, "fields": fields})
        document = {
            "name": "Hook",
            "nodes": [node("hook", "trigger.webhook", credential=made["id"], **config), node("note", "utility.merge")],
            "connections": [{"source": "hook", "target": "note"}],
        }
        self.workflow: str = machine.post("/workflows", document)["id"]
        self.toggle(active=True)

    def toggle(self, *, active: bool) -> None:
        self.machine.post(f"/workflows/{self.workflow}/toggle", {"active": active})

    @property
    def address(self) -> str:
        return f"{self.machine.served.address}hooks/{self.workflow}/hook"

    def call(self, body: bytes, headers: dict[str, str], address: str | None = None) -> requests.Response:
        whole = {"content-type": "application/json", **headers}
        return requests.post(address or self.address, data=body, headers=whole, timeout=60)

    def signed(self, body: Any = BODY, headers: dict[str, str] | None = None, *, ago_s: int = 0) -> requests.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call(raw, {**signature(SECRET, int(time.time()) - ago_s, raw), **(headers or {})})

    @property
    def starts(self) -> int:
        total: int = self.machine.get(f"/workflows/{self.workflow}/executions")["total"]
        return total

    def output(self, execution: str) -> dict[str, Any]:
        give_up = time.monotonic() + 60
        while (found := self.machine.get(f"/executions/{execution}"))["status"] in ("pending", "running"):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        output: dict[str, Any] = next(each["output"] for each in found["node_runs"] if each["node"] == "hook")
        return output


@pytest.fixture
def hook(machine: RunningMachine) -> Iterator[Hook]:
    made = Hook(
        machine, "hmac", {"secret": SECRET}, required={"symbol": "text", "price": "number"}, headers=["X-Request-Id"]
    )
    yield made
    made.toggle(active=False)


def test_a_signed_request_starts_the_workflow_with_its_body(hook: Hook) -> None:
    answer = hook.signed(BODY, {"x-request-id": "r-1", "x-other": "dropped"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["duplicate"] is False
    output = hook.output(answer.json()["execution_id"])
    assert (output["payload"], output["headers"]) == (BODY, {"x-request-id": "r-1"})


def test_the_same_request_again_gets_the_same_execution(hook: Hook) -> None:
    raw = json.dumps(BODY).encode()
    headers = signature(SECRET, int(time.time()), raw)
    first, second = hook.call(raw, headers), hook.call(raw, headers)
    assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)
    assert first.json()["execution_id"] == second.json()["execution_id"]
    assert hook.starts == 1


def test_the_guard_against_replays_is_the_databases_and_outlives_the_door(hook: Hook) -> None:
    raw = json.dumps(BODY | {"note": "once"}).encode()
    headers = signature(SECRET, int(time.time()) - 1, raw)
    first = hook.call(raw, headers).json()
    running = hook.machine.machine
    another = Door(
        workflows=running.stores,
        blobs=running.door._blobs,
        vault=running.vault,
        dispatcher=running.executions.dispatcher,
    )
    told = {name.lower(): value for name, value in headers.items()} | {"content-type": "application/json"}
    again = hook.machine.on_loop(another.receive("POST", f"/hooks/{hook.workflow}/hook", told, raw))
    assert again == {"execution_id": first["execution_id"], "duplicate": True}


def test_ten_copies_at_once_start_one(hook: Hook) -> None:
    raw = json.dumps(BODY).encode()
    headers = signature(SECRET, int(time.time()), raw)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: hook.call(raw, headers), range(10)))
    assert {each.status_code for each in answers} == {202}
    assert len({each.json()["execution_id"] for each in answers}) == 1
    assert sum(not each.json()["duplicate"] for each in answers) == 1
    assert hook.starts == 1


def test_whatever_is_not_proved_gets_one_answer(hook: Hook) -> None:
    raw, now = json.dumps(BODY).encode(), int(time.time())
    good = signature(SECRET, now, raw)
    nowhere = hook.address.replace(hook.workflow, "wf-000000000000")
    manual = {"name": "Plain", "nodes": [node("hook", "trigger.manual")], "connections": []}
    plain = hook.address.replace(hook.workflow, hook.machine.post("/workflows", manual)["id"])
    answers = [
        hook.call(raw, signature("another-secret-of-some-length", now, raw)),
        hook.call(raw + b" ", good),
        hook.call(raw, {**good, "X-Tradeloom-Timestamp": str(now + 1)}),
        hook.call(raw, {**good, "X-Tradeloom-Timestamp": f"0{now}"}),
        hook.call(raw, {**good, "X-Tradeloom-Timestamp": "soon"}),
        hook.call(raw, {**good, SIGNATURE_HEADER: good[SIGNATURE_HEADER].upper()}),
        hook.call(raw, {SIGNATURE_HEADER: good[SIGNATURE_HEADER]}),
        hook.call(raw, {}),
        hook.call(raw, {"Authorization": f"Bearer {hook.machine.served.token}"}),
        hook.signed(ago_s=301),
        hook.signed(ago_s=-301),
        hook.call(raw, good, nowhere),
        hook.call(raw, good, plain),
        hook.call(raw, good, f"{hook.address}/more"),
        hook.call(raw, good, f"{hook.machine.served.address}hooks/"),
    ]
    hook.toggle(active=False)
    answers.append(hook.signed())
    told = [{**each.json()["error"], "correlation_id": ""} for each in answers]
    assert {each.status_code for each in answers} == {401}
    assert all(each == told[0] for each in told)
    assert hook.starts == 0


def test_a_request_from_just_inside_the_window_is_let_in(hook: Hook) -> None:
    assert hook.signed(ago_s=290).status_code == 202


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_the_content_type_is_json(hook: Hook, content_type: str) -> None:
    answer = hook.signed(BODY, {"content-type": content_type})
    assert answer.status_code == 415
    assert hook.starts == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"\xff", 400),
        (b'{"symbol": "EURUSD", "price": NaN}', 400),
        (b'{"symbol": "EURUSD", "price": 1e999}', 400),
        (b'{"symbol": "\\ud800", "price": 1}', 400),
        (b"[" * 30_000 + b"]" * 30_000, 400),
        (b'{"symbol": "EURUSD", "price": ' + b"9" * 5_000 + b"}", 400),
        (b'{"symbol": "EURUSD"}', 422),
        (b'{"symbol": 5, "price": 1}', 422),
        (b'{"symbol": "EURUSD", "price": true}', 422),
        (b"[]", 422),
        (b'{"symbol": "' + b"x" * 65_536 + b'", "price": 1}', 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bodies_nothing_can_be_started_with(hook: Hook, body: bytes, status: int) -> None:
    answer = hook.signed(body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert hook.starts == 0


def test_a_body_of_odd_text_arrives_as_it_was(hook: Hook) -> None:
    body = {"symbol": "Ω\u202e\u0001 \U0001f4c8", "price": 10**17, "more": [None, True, {"": -0.5}]}
    answer = hook.signed(body)
    assert answer.status_code == 202, answer.text
    assert hook.output(answer.json()["execution_id"])["payload"] == body


def test_other_methods_and_foreign_hosts_stay_outside(hook: Hook) -> None:
    assert requests.get(hook.address, timeout=60).status_code == 405
    raw = json.dumps(BODY).encode()
    good = signature(SECRET, int(time.time()), raw)
    assert hook.call(raw, {**good, "Host": "evil.example"}).status_code == 403
    assert hook.call(raw, {**good, "Origin": "https://evil.example"}).status_code == 403
    assert hook.starts == 0


def test_more_than_its_rate_is_refused(machine: RunningMachine) -> None:
    made = Hook(machine, "hmac", {"secret": SECRET}, per_minute=3)
    statuses = [made.signed({"n": number}).status_code for number in range(5)]
    assert statuses == [202, 202, 202, 429, 429]
    assert made.starts == 3
    made.toggle(active=False)


def test_a_token_lets_in_and_an_idempotency_key_starts_once(machine: RunningMachine) -> None:
    made = Hook(machine, "http_bearer", {"token": "token-77aa0142"}, authentication="token")
    right = {"Authorization": "Bearer token-77aa0142"}
    assert made.call(b"{}", {"Authorization": "Bearer token-77aa0143"}).status_code == 401
    assert made.signed().status_code == 401
    first, second = (made.call(b"{}", {**right, "Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["execution_id"] == second.json()["execution_id"]
    assert made.call(b"{}", right).json()["execution_id"] != first.json()["execution_id"]
    assert made.starts == 2
    made.toggle(active=False)
