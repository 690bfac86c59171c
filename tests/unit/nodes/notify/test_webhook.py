import json
import re
from typing import Any

import pytest

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeHttp, answer
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    CredentialProblem,
    ExecutionStopped,
    MissingInput,
    NodeConfigError,
    NotFound,
    ServerBusy,
    UnexpectedStatus,
)
from tradeloom.nodes.base import Effect
from tradeloom.nodes.notify.webhook import Webhook, WebhookConfig, WebhookOutput

URL = "https://hooks.example.com/in"


def context(*answers: Any, **changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), web=FakeHttp(list(answers)), **changes)


def run(around: FakeContext, **config: Any) -> WebhookOutput:
    return Webhook().run(WebhookConfig.model_validate({"url": URL, **config}), around)


def test_sends_once_it_may_act() -> None:
    around = context(answer(202, {"queued": 1}))
    output = run(around, body={"a": 1.5}, headers={"X-Mine": 1})
    assert output == WebhookOutput(status="sent", http_status=202, body={"queued": 1}, rendered=None)
    sent = around.web.last
    assert (sent.method, sent.url, sent.body) == ("POST", URL, b'{"a":1.5}')
    assert sent.headers == {
        "Idempotency-Key": around.client_order_id(),
        "Content-Type": "application/json",
        "X-Mine": "1",
    }
    assert sent.repeatable
    assert sent.redirects == "keep_method"
    assert around.acted == 1


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        (None, b"", None),
        ("½ text", "½ text".encode(), "text/plain; charset=utf-8"),
        ([1, None], b"[1,null]", "application/json"),
        (7, b"7", "application/json"),
        (False, b"false", "application/json"),
        ("\ud800", b"?", "text/plain; charset=utf-8"),
    ],
)
def test_bodies(body: Any, sent: bytes, kind: str | None) -> None:
    around = context()
    run(around, body=body)
    assert around.web.last.body == sent
    assert around.web.last.headers.get("Content-Type") == kind


def test_its_own_content_type_wins() -> None:
    around = context()
    run(around, body={"a": 1}, headers={"content-type": "application/vnd.mine+json"})
    assert "Content-Type" not in around.web.last.headers
    assert around.web.last.headers["content-type"] == "application/vnd.mine+json"


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ("discord", {"content": "RSI <28>", "allowed_mentions": {"parse": []}}),
        ("slack", {"text": "RSI &lt;28&gt;"}),
    ],
)
def test_templates(template: str, payload: dict[str, Any]) -> None:
    around = context()
    run(around, body="RSI <28>", template=template)
    assert around.web.last_json == payload
    run(around, body=28.4, template=template)
    assert "28.4" in json.dumps(around.web.last_json)
    with pytest.raises(MissingInput):
        run(around, template=template)


def test_a_discord_credential_holds_the_address() -> None:
    around = context()
    run(around, url="", credential="discord", template="discord", body="x")
    assert around.web.last.url == CREDENTIALS["discord"].fields["webhook_url"]
    with pytest.raises(CredentialProblem, match="holds the address itself"):
        run(around, credential="discord")


def test_no_address() -> None:
    with pytest.raises(MissingInput):
        run(context(), url="")


class TestSecrets:
    def test_go_apart_from_other_headers(self) -> None:
        around = context()
        run(around, credential="api-token", sign_with="signing", headers={"authorization": "mine"}, body="x")
        sent = around.web.last
        assert sent.secret_headers["Authorization"] == "Bearer token-77aa01"
        assert re.fullmatch(r"sha256=[0-9a-f]{64}", sent.secret_headers["X-Tradeloom-Signature"])
        assert "authorization" not in {name.lower() for name in sent.headers}

    def test_do_not_show_in_a_test(self) -> None:
        around = context(test_mode=True)
        output = run(around, credential="api-user", sign_with="signing", body={"a": 1})
        assert output.status == "rendered"
        assert output.http_status == 0
        assert output.rendered is not None
        assert output.rendered["headers"]["Authorization"] == "•••"
        assert output.rendered["body"] == '{"a":1}'
        told = output.model_dump_json()
        for credential in ("api-user", "signing"):
            assert not [value for value in CREDENTIALS[credential].fields.values() if len(value) > 5 and value in told]
        assert around.web.requests == []

    def test_nor_does_an_address_that_is_one(self) -> None:
        output = run(context(test_mode=True), url="", credential="slack", template="slack", body="x")
        assert output.rendered is not None
        assert output.rendered["url"] == "https://hooks.slack.com/•••"

    @pytest.mark.parametrize("config", [{"credential": "mail"}, {"sign_with": "api-key"}, {"credential": "telegram"}])
    def test_of_another_kind(self, config: dict[str, str]) -> None:
        with pytest.raises(CredentialProblem) as raised:
            run(context(), **config)
        assert raised.value.field == f"config.{next(iter(config))}"

    def test_gone(self) -> None:
        with pytest.raises(NotFound):
            run(context(), credential="nobody")


@pytest.mark.parametrize(("status", "error"), [(500, ServerBusy), (429, ServerBusy), (404, UnexpectedStatus)])
def test_other_statuses_are_errors(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"hooks\.example\.com answered"):
        run(context(answer(status, "no")))


@pytest.mark.parametrize("body", [b"{broken", b"NaN", b"\xff"])
def test_an_answer_that_cannot_be_read_is_delivered_all_the_same(body: bytes) -> None:
    output = run(context(answer(200, body, {"content-type": "application/json"})))
    assert output.status == "sent"
    assert isinstance(output.body, str)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"url": "ftp://x"}, "config.url"),
        ({"url": "https://user:pw@x.example"}, "config.url"),
        ({"url": "nonsense"}, "config.url"),
        ({"headers": {"X": "a\r\nb"}}, "config.headers.X"),
        ({"headers": {"Host": "x"}}, "config.headers.Host"),
        ({"body": {"a": 10**5000}}, "config.body"),
        ({"body": "x" * 1_100_000}, "config.body"),
    ],
)
def test_refuses(config: dict[str, Any], field: str) -> None:
    around = context()
    with pytest.raises(NodeConfigError) as raised:
        run(around, **config)
    assert raised.value.field == field
    assert around.web.requests == []


def test_a_stopped_execution_sends_nothing() -> None:
    around = context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(around)
    assert around.web.requests == []


def test_the_key_is_the_executions_own() -> None:
    first, again, other = context(), context(), context(iteration=(1,))
    for around in (first, again, other):
        run(around)
    keys = [around.web.last.headers["Idempotency-Key"] for around in (first, again, other)]
    assert keys[0] == keys[1] != keys[2]


def test_reaches_the_network() -> None:
    assert Webhook.effects == {Effect.NETWORK}
    assert Webhook.acts()
