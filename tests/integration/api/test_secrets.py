"""Canaries in a whole machine: real nodes send real credentials to servers that tell them back, and fail in every way.
Afterwards they are found in no table, no file, no answer."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tests.integration.workflows.drawing import chain, node
from tests.support.canaries import CANARIES, database, encoded, files, secret, sightings
from tests.support.local_machine import PATIENCE_S, RunningMachine
from tests.support.postgres import new_database

SECRETS = {kind: secret(kind) for kind in CANARIES}
PASTED = "cnryPasted-0f8a1c77e6"


class Gossip(BaseHTTPRequestHandler):
    """A server that tells whoever asks what it was told, in every form it can think of."""

    status = 200
    heard: list[str]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        self.server.heard.append(f"{self.path}\n{self.headers}\n{body}")  # type: ignore[attr-defined]
        whole = "\n".join([self.path, *self.headers.values(), body])
        known = [text for text in SECRETS.values() if text in whole or encoded(text)["basic"] in whole]
        told = [whole, *(form for text in known for form in encoded(text).values())]
        answer = {"ok": True, "result": {"message_id": 7}, "headers": dict(self.headers), "told": told}
        content = json.dumps(answer).encode()
        self.send_response(500 if "/broken" in self.path else 200)
        self.send_header("content-type", "application/json")
        self.send_header("x-told", self.headers.get("authorization", "nothing"))
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def _gossip() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gossip)
    server.heard = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Refusing:
    """A mail server that knows nobody, and says whom it does not know."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def __call__(self, server: Any, session: Any, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.heard.append(data.password)
        told = b"535 5.7.8 no " + data.login + b" with " + data.password
        session.peer_told = told
        return AuthResult(success=False, handled=False, message=told.decode("utf-8", "replace"))


class Probe:
    """A machine, what it was asked and all that it answered."""

    def __init__(self, machine: RunningMachine, gossip: str) -> None:
        self.machine = machine
        self.gossip = gossip
        self.answers: list[tuple[str, bytes]] = []
        self.ids: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.machine.ask(method, path, body)
        self.answers.append((f"{method} {path}", answer.content + repr(answer.headers).encode()))
        return answer

    def run(self, *nodes: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """A workflow of the nodes in a row, saved and run; its node runs by id."""
        made = self.ask("POST", "/workflows", chain(*nodes, name=f"Canary {uuid.uuid4().hex[:6]}"))
        assert made.status_code == 201, made.text
        self.ask("GET", f"/workflows/{made.json()['id']}")
        done = self.ask("POST", f"/workflows/{made.json()['id']}/execute", {"wait_s": 25}).json()
        give_up = time.monotonic() + PATIENCE_S
        while done["status"] in {"pending", "running"} and time.monotonic() < give_up:
            time.sleep(0.1)
            done = self.machine.get(f"/executions/{done['id']}")
        self.ask("GET", f"/executions/{done['id']}")
        self.ask("GET", f"/executions/{done['id']}/logs")
        assert done["status"] in {"succeeded", "failed"}, done
        return {run["node"]: run for run in done["node_runs"]}


TELL = {
    "id": "tell",
    "type": "notify.dashboard",
    "config": {"title": "It said {{ nodes.call.status }}", "message": "{{ nodes.call.body }}"},
}


@pytest.fixture(scope="module")
def smtp() -> Iterator[tuple[int, _Refusing]]:
    refusing = _Refusing()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(object(), hostname="127.0.0.1", port=port, authenticator=refusing, auth_require_tls=False)
    controller.start()
    try:
        yield port, refusing
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def probe(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, smtp: tuple[int, _Refusing]
) -> Iterator[Probe]:
    dsn = new_database(postgres_server)
    home = tmp_path_factory.mktemp("machine") / "home"
    with _gossip() as server:
        port = server.server_address[1]
        routes = [f"https://{host}=http://127.0.0.1:{port}" for host in ("api.telegram.org", "discord.com")]
        routes.append(f"https://hooks.slack.com=http://127.0.0.1:{port}")
        with RunningMachine(
            home,
            dsn,
            network_allow=f"127.0.0.1:{port}, 127.0.0.1:{smtp[0]}",
            network_routes=", ".join(routes),
        ) as running:
            probe = Probe(running, f"http://127.0.0.1:{port}")
            probe.server = server  # type: ignore[attr-defined]
            for kind, fields in CANARIES.items():
                given = {**fields, "port": str(smtp[0])} if kind == "smtp" else fields
                made = probe.ask("POST", "/credentials", {"name": kind, "kind": kind, "fields": given})
                assert made.status_code == 201, made.text
                probe.ids[kind] = made.json()["id"]
            yield probe
        everything = [*database(dsn), *files(home), *probe.answers]
        assert sightings(iter(everything), SECRETS | {"pasted": PASTED}) == []
        assert any("tradeloom.log" in place for place, _ in files(home))
        assert any(place.startswith("node_runs dumped") and b"\\u2022" in content for place, content in everything)


def _http(probe: Probe, kind: str, path: str = "/echo", **more: Any) -> dict[str, Any]:
    config = {"url": f"{probe.gossip}{path}", "credential": probe.ids[kind], "keep_headers": ["x-told"], **more}
    return node("call", "utility.http", **config)


def _heard(probe: Probe) -> str:
    return "\n".join(probe.server.heard)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["http_header", "http_basic", "http_bearer"])
def test_what_a_server_tells_back(probe: Probe, kind: str) -> None:
    runs = probe.run(_http(probe, kind), TELL)
    assert runs["call"]["state"] == runs["tell"]["state"] == "succeeded", runs
    assert "•••" in json.dumps(runs["call"]["output"], ensure_ascii=False)
    sent = SECRETS[kind] if kind != "http_basic" else encoded(SECRETS[kind])["basic"]
    assert sent in _heard(probe), "the server did get the real one"


@pytest.mark.parametrize("kind", ["http_header", "http_basic", "http_bearer"])
def test_what_an_error_tells(probe: Probe, kind: str) -> None:
    runs = probe.run(_http(probe, kind, "/broken"))
    assert runs["call"]["state"] == "failed"


@pytest.mark.parametrize(
    ("kind", "chat", "config"),
    [
        ("telegram", "notify.telegram", {"chat_id": "42", "message": "Hello"}),
        ("discord", "notify.discord", {"text": "Hello"}),
        ("slack", "notify.slack", {"text": "Hello"}),
    ],
)
def test_chats(probe: Probe, kind: str, chat: str, config: dict[str, Any]) -> None:
    runs = probe.run(node("call", chat, **config, credential=probe.ids[kind]))
    assert SECRETS[kind] in _heard(probe)
    assert runs["call"]["state"] in {"succeeded", "failed"}


def test_signed_webhooks(probe: Probe) -> None:
    config = {
        "url": f"{probe.gossip}/hook",
        "body": {"a": 1},
        "credential": probe.ids["http_bearer"],
        "sign_with": probe.ids["hmac"],
    }
    runs = probe.run(node("call", "notify.webhook", **config), TELL)
    assert runs["call"]["state"] == "succeeded", runs


def test_mail_that_is_refused(probe: Probe, smtp: tuple[int, _Refusing]) -> None:
    config = {"to": ["ann@example.com"], "subject": "Hi", "body": "There", "credential": probe.ids["smtp"]}
    runs = probe.run(node("call", "notify.email", **config))
    assert runs["call"]["state"] == "failed"


def test_a_credential_of_another_kind_and_one_that_is_gone(probe: Probe) -> None:
    wrong = node("call", "notify.slack", text="x", fail="stop", credential=probe.ids["http_bearer"])
    failed = probe.run(wrong)["call"]["error"]
    assert (failed["name"], "config.credential" in failed["message"]) == ("CredentialProblem", True)
    gone = node("call", "notify.slack", text="x", fail="stop", credential="cred-0000000000000000")
    failed = probe.run(gone)["call"]["error"]
    assert (failed["name"], "config.credential" in failed["message"]) == ("NotFound", True)


def test_a_document_that_names_a_credential_there_is_not_warns(probe: Probe) -> None:
    call = node("call", "utility.http", url="https://example.com", credential="cred-x")
    document = chain(call, name="Unknown")
    made = probe.ask("POST", "/workflows", document).json()
    assert [(each["code"], each["field"]) for each in made["warnings"]] == [("unknown_credential", "config.credential")]
    call["config"]["credential"] = probe.ids["http_bearer"]
    made = probe.ask("POST", "/workflows", document).json()
    assert made["warnings"] == []


def test_a_single_node_that_is_tested(probe: Probe) -> None:
    call = _http(probe, "http_header")
    tested = probe.ask("POST", "/nodes/test", {"type": call["type"], "config": call["config"]}).json()
    assert tested["state"] == "succeeded", tested
    assert "•••" in json.dumps(tested, ensure_ascii=False)


def test_a_secret_pasted_into_a_configuration_is_not_kept(probe: Probe) -> None:
    config = {"url": "https://example.com", "headers": {"Authorization": f"Bearer {PASTED}"}}
    saved = probe.ask("POST", "/workflows", chain(node("call", "utility.http", **config), name="Pasted"))
    assert (saved.status_code, saved.json()["error"]["problems"][0]["code"]) == (422, "secret_in_config")
    assert probe.ask("POST", "/nodes/test", {"type": "utility.http", "config": config}).status_code == 422


def test_where_it_is_used_and_that_it_stays_while_it_is(probe: Probe) -> None:
    made = probe.ask(
        "POST", "/credentials", {"name": "Used", "kind": "http_bearer", "fields": {"token": "cnry-used-1"}}
    )
    credential = made.json()["id"]
    call = node("call", "utility.http", url="https://example.com", credential=credential)
    workflow = probe.ask("POST", "/workflows", chain(call, name="Uses it")).json()["id"]
    used = probe.ask("GET", f"/credentials/{credential}").json()["used_by"]
    assert used == [{"workflow_id": workflow, "workflow_name": "Uses it", "active": False, "nodes": ["call"]}]
    refused = probe.ask("DELETE", f"/credentials/{credential}")
    assert (refused.status_code, "Uses it" in refused.json()["error"]["message"]) == (409, True)
    assert probe.ask("DELETE", f"/credentials/{credential}?even_if_used=true").status_code == 204
    assert probe.ask("GET", f"/workflows/{workflow}").json()["warnings"][0]["code"] == "unknown_credential"


def test_every_list(probe: Probe) -> None:
    for path in ("/credentials", "/credential-kinds", "/notifications", "/health", "/workflows", "/openapi.json"):
        assert probe.ask("GET", path).status_code == 200
    listed = {each["name"]: each for each in probe.ask("GET", "/credentials").json()["items"]}
    assert listed["http_bearer"]["last_used_at"] is not None
    for kind, credential in probe.ids.items():
        assert probe.ask("GET", f"/credentials/{credential}").json()["fields"] == list(CANARIES[kind])
