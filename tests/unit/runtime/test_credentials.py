"""What a Lambda function lets out when its node was given a credential: nothing of it, by any door there is."""

import json
import traceback
from typing import Any

import pytest

from tests.support.canaries import CANARIES, encoded, secret, sightings
from tradeloom.accounts.credentials.kinds import secrets_of
from tradeloom.errors import BrokerUnavailable, CredentialProblem, NotFound
from tradeloom.nodes.base import Credential, Node, NodeConfig, NodeOutput, setting
from tradeloom.runtime import handler as handler_module
from tradeloom.runtime.handler import node_handler
from tradeloom.runtime.observability import set_sink
from tradeloom.runtime.redaction import MARK
from tradeloom.runtime.services import Disclosed, Notification

SECRETS = {kind: secret(kind) for kind in CANARIES}


class TellerConfig(NodeConfig):
    credential: str | None = setting(None, title="Credential", help="One.", widget="credential", static=True)
    how: str = setting("give", title="How", help="How.")


class TellerOutput(NodeOutput):
    told: Any


class Teller(Node):
    """A node that gives its credential away as its configuration says."""

    type = "probe.teller"
    Config = TellerConfig
    Output = TellerOutput

    def run(self, config: TellerConfig, context: Any) -> TellerOutput:
        given = context.credential(config.credential)
        forms = [form for text in secrets_of(given.kind, given.fields) for form in encoded(text).values()]
        context.log(f"log {forms[0]}", field=forms, thing={forms[0]})
        context.notify("info", f"title {forms[0]}", " ".join(forms))
        match config.how:
            case "raise":
                try:
                    raise KeyError(forms[0])
                except KeyError as error:
                    raise RuntimeError(*forms) from error
            case "typed":
                raise BrokerUnavailable(" ".join(forms), hint=forms[0])
            case "large":
                return TellerOutput(told=forms * 2_000)
        return TellerOutput(told={"kind": given.kind, "forms": {form: [form] for form in forms}})


class Memory:
    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.blobs: list[bytes] = []
        self.notifications: list[Notification] = []
        self.answer: Disclosed | Exception = NotFound("There is none.", hint="Choose another.")

    def artefact(self, version: str) -> dict[str, Any]:
        return {"document": self.document}

    def store_blob(self, content: bytes) -> str:
        self.blobs.append(content)
        return "0" * 64

    def notify(self, notification: Notification) -> None:
        self.notifications.append(notification)

    def credential(self, run: Any, node: str, reference: str) -> Disclosed:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    monkeypatch.setattr(handler_module, "current", lambda: made)
    return made


def call(services: Memory, **config: Any) -> Any:
    node = {"id": "n", "type": Teller.type, "config": {"credential": "cred-1", **config}}
    services.document = {"name": "x", "nodes": [node]}
    run = {
        "execution_id": "e1",
        "workflow_id": "w1",
        "version": json.dumps(config),
        "trigger": "t",
        "as_of": "2026-01-05T09:00:00Z",
        "started_at": "2026-01-05T09:00:01Z",
        "account": "paper",
    }
    return node_handler(Teller)({"run": run, "node": "n", "inputs": {}}, None)


@pytest.mark.parametrize("how", ["give", "raise", "typed", "large"])
@pytest.mark.parametrize("kind", CANARIES)
def test_nothing_tells_a_secret(services: Memory, kind: str, how: str) -> None:
    fields = CANARIES[kind]
    services.answer = Disclosed(Credential("cred-1", kind, fields), tuple(secrets_of(kind, fields)))
    logged: list[dict[str, Any]] = []
    set_sink(logged.append)
    told: list[Any] = [logged, services.notifications]
    try:
        if how in {"give", "large"}:
            told.append(call(services, how=how))
        else:
            told.append(_failure(services, how))
    finally:
        set_sink(None)
    contents = [("told", write(each).encode("utf-8", "surrogatepass")) for each in told for write in (repr, str)]
    contents += [("a blob", content) for content in services.blobs]
    assert sightings(iter(contents), {kind: SECRETS[kind]}) == []
    assert logged[0]["message"] == f"log {MARK}"
    assert services.notifications[0].title == f"title {MARK}"
    if how == "give":
        assert told[2]["output"]["told"]["kind"] == kind


def _failure(services: Memory, how: str) -> str:
    """All that can be printed of how the node failed."""
    name = {"raise": "RuntimeError", "typed": "BrokerUnavailable"}[how]
    with pytest.raises(Exception, match=MARK) as caught:
        call(services, how=how)
    error = caught.value
    assert type(error).__name__ == name
    printed = "".join(traceback.format_exception(error))
    return printed + repr(error) + repr(vars(error)) + repr(error.__cause__) + repr(error.__context__)


def test_what_keeps_a_credential_away_names_the_field(services: Memory) -> None:
    with pytest.raises(NotFound) as gone:
        call(services)
    assert (gone.value.field, gone.value.node) == ("config.credential", "n")
    assert str(gone.value) == "config.credential: There is none. Choose another."
    with pytest.raises(CredentialProblem) as unnamed:
        call(services, credential=None)
    assert unnamed.value.field == "config.credential"
    assert unnamed.value.hint


def test_a_credential_shows_no_value_of_itself() -> None:
    made = Credential("cred-1", "http_bearer", {"token": "shown-nowhere"})
    for told in (repr(made), str(made), f"{made}", f"{[made]}"):
        assert "shown-nowhere" not in told
