"""The network nodes against real servers on loopback, reached through the operator's routes and allow list."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from tests.integration.network.conftest import Serve
from tests.integration.network.servers import Asked, HttpServer, response
from tests.integration.network.telegram_server import BLOCKED, GROUP, MOVED, TelegramServer
from tests.support.credentials import CREDENTIALS
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    ExecutionStopped,
    MessageRefused,
    NetworkFailed,
    NetworkRefused,
    ReplyLost,
    ServerBusy,
    UnexpectedStatus,
)
from tradeloom.network.client import GuardedHttp
from tradeloom.network.policy import ALLOW, ROUTES, Policy
from tradeloom.nodes.notify.discord import Discord, DiscordConfig
from tradeloom.nodes.notify.slack import Slack, SlackConfig
from tradeloom.nodes.notify.telegram import Telegram, TelegramConfig, TelegramOutput
from tradeloom.nodes.notify.webhook import Webhook, WebhookConfig
from tradeloom.nodes.utility.http import HttpConfig, HttpRequestNode


class RealContext(FakeContext):
    """A fake context with the real client."""

    client: GuardedHttp

    def http(self) -> Any:
        return self.client


def context(server: HttpServer, origin: str = "https://unused.example", **changes: Any) -> RealContext:
    made = RealContext(credentials=dict(CREDENTIALS), **changes)
    made.client = GuardedHttp(Policy.of({ALLOW: f"127.0.0.1:{server.port}", ROUTES: f"{origin}={server.url}"}))
    return made


class TestTelegram:
    def run(self, api: TelegramServer, server: HttpServer, **config: Any) -> TelegramOutput:
        given = {"credential": "telegram", "chat_id": GROUP, "message": "RSI is <28.4> & falling", **config}
        return Telegram().run(TelegramConfig.model_validate(given), context(server, "https://api.telegram.org"))

    @pytest.fixture
    def api(self) -> TelegramServer:
        return TelegramServer()

    @pytest.fixture
    def server(self, api: TelegramServer, serve: Serve) -> HttpServer:
        return serve(api)

    def test_sends(self, api: TelegramServer, server: HttpServer) -> None:
        output = self.run(api, server, silent=True)
        assert (output.status, output.message_id, output.error) == ("sent", 1, None)
        [message] = api.messages
        assert message["text"] == "RSI is <28.4> & falling"
        assert message["disable_notification"] is True
        assert "parse_mode" not in message

    def test_slows_down_when_asked_to(self, api: TelegramServer, server: HttpServer) -> None:
        api.slow_down = 1
        begun = time.monotonic()
        assert self.run(api, server).status == "sent"
        assert time.monotonic() - begun >= 1
        assert len(server.asked) == 2

    @pytest.mark.parametrize("fail", ["ignore", "stop"])
    def test_but_not_longer_than_it_may(self, fail: str, api: TelegramServer, server: HttpServer) -> None:
        api.slow_down, api.retry_after = 9, 60
        begun = time.monotonic()
        if fail == "stop":
            with pytest.raises(ServerBusy, match="Too Many Requests"):
                self.run(api, server, fail="stop")
        else:
            output = self.run(api, server)
            assert output.status == "failed"
            assert output.error is not None
            assert output.error["name"] == "ServerBusy"
        assert time.monotonic() - begun < 15
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("chat", "says", "hint"),
        [
            (999, "chat not found", None),
            (BLOCKED, "bot was blocked", None),
            (MOVED, "The group moved", f"Its chat is {GROUP} now."),
        ],
    )
    def test_refusals(self, chat: int, says: str, hint: str | None, api: TelegramServer, server: HttpServer) -> None:
        with pytest.raises(MessageRefused, match=says) as raised:
            self.run(api, server, chat_id=chat, fail="stop")
        assert (raised.value.field, raised.value.hint) == ("config.chat_id", hint)
        assert self.run(api, server, chat_id=chat).status == "failed"

    def test_a_wrong_token_is_not_quoted(self, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = "987654321:AAE-wrongwrongwrongwrongwrongwrong0"
        monkeypatch.setattr("tests.integration.network.telegram_server.TOKEN", wrong)
        with pytest.raises(MessageRefused, match="does not know the bot") as raised:
            self.run(TelegramServer(), server, fail="stop")
        assert CREDENTIALS["telegram"].fields["bot_token"] not in f"{raised.value!r} {raised.value.hint}"

    def test_when_it_is_down_the_trade_goes_on(self, api: TelegramServer, server: HttpServer) -> None:
        api.down = 5
        assert self.run(api, server).status == "failed"
        server.__exit__(None, None, None)
        output = self.run(api, server, timeout_s=2)
        assert output.status == "failed"
        assert output.error is not None
        assert output.error["name"] == "NetworkFailed"

    def test_an_execution_that_was_stopped_is_no_failure(self, server: HttpServer) -> None:
        config = TelegramConfig(credential="telegram", chat_id=str(GROUP), message="x")
        with pytest.raises(ExecutionStopped):
            Telegram().run(config, context(server, "https://api.telegram.org", stopped=True))
        assert server.connections == 0


def test_discord(serve: Serve) -> None:
    server = serve(lambda asked: response(200, b'{"id": "99"}', "Content-Type: application/json"))
    config = DiscordConfig(credential="discord", text="@everyone look", title="RSI", level="error", fields={"Bid": 1.1})
    output = Discord().run(config, context(server, "https://discord.com"))
    assert (output.status, output.message_id) == ("sent", "99")
    [asked] = server.asked
    assert asked.target == "/api/webhooks/123456789012345678/tok-en_0123456789?wait=true"
    body = json.loads(asked.body)
    assert body["allowed_mentions"] == {"parse": []}
    assert body["embeds"][0]["fields"] == [{"name": "Bid", "value": "1.1", "inline": True}]


def test_discord_asks_to_slow_down(serve: Serve) -> None:
    left = [1]

    def busy(asked: Asked) -> bytes:
        if left.pop() if left else 0:
            body = b'{"message": "You are being rate limited.", "retry_after": 0.3, "global": false}'
            return response(429, body, "Content-Type: application/json")
        return response(200, b'{"id": "1"}', "Content-Type: application/json")

    server = serve(busy)
    output = Discord().run(DiscordConfig(credential="discord", text="x"), context(server, "https://discord.com"))
    assert output.status == "sent"
    assert len(server.asked) == 2


def test_slack(serve: Serve) -> None:
    server = serve(lambda asked: response(200, b"ok", "Content-Type: text/html"))
    output = Slack().run(
        SlackConfig(credential="slack", text="<!channel> & co"), context(server, "https://hooks.slack.com")
    )
    assert output.status == "sent"
    assert json.loads(server.asked[0].body) == {"text": "&lt;!channel&gt; &amp; co"}


def test_slack_refuses(serve: Serve) -> None:
    server = serve(lambda asked: response(404, b"no_service", "Content-Type: text/plain"))
    around = context(server, "https://hooks.slack.com")
    assert Slack().run(SlackConfig(credential="slack", text="x"), around).status == "failed"
    with pytest.raises(UnexpectedStatus, match="404: no_service"):
        Slack().run(SlackConfig(credential="slack", text="x", fail="stop"), around)


class TestWebhook:
    def run(self, server: HttpServer, **config: Any) -> Any:
        given = {"url": f"{server.url}/in?a=1", "body": {"price": 1.1}, **config}
        return Webhook().run(WebhookConfig.model_validate(given), context(server))

    def test_signed_and_with_a_credential(self, serve: Serve) -> None:
        server = serve(lambda asked: response(202, b'{"queued": true}', "Content-Type: application/json"))
        output = self.run(server, credential="api-key", sign_with="signing", headers={"X-Strategy": "ünique"})
        assert (output.status, output.http_status, output.body) == ("sent", 202, {"queued": True})
        [asked] = server.asked
        assert asked.headers["x-api-key"] == "key-4f1d0a"
        assert asked.headers["idempotency-key"] == FakeContext().client_order_id()
        stamp = asked.headers["x-tradeloom-timestamp"]
        assert abs(int(stamp) - time.time()) < 60
        secret = CREDENTIALS["signing"].fields["secret"].encode()
        expected = hmac.new(secret, stamp.encode() + b"." + asked.body, hashlib.sha256).hexdigest()
        assert asked.headers["x-tradeloom-signature"] == f"sha256={expected}"

    def test_retry_after_is_waited_for(self, serve: Serve) -> None:
        statuses = [503, 429]
        server = serve(
            lambda asked: response(statuses.pop(), b"", "Retry-After: 1") if statuses else response(200, b"in")
        )
        assert self.run(server).http_status == 200
        keys = {asked.headers["idempotency-key"] for asked in server.asked}
        assert len(server.asked) == 3
        assert len(keys) == 1

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, UnexpectedStatus),
            (401, UnexpectedStatus),
            (302, UnexpectedStatus),
            (500, ServerBusy),
            (429, ServerBusy),
        ],
    )
    def test_other_statuses(self, status: int, error: type[Exception], serve: Serve) -> None:
        with pytest.raises(error):
            self.run(serve(lambda asked: response(status, b"no", "Content-Type: text/plain", "Location: /x")))

    def test_a_lost_answer_may_be_tried_again(self, serve: Serve) -> None:
        server = serve(lambda asked: b"")
        with pytest.raises(NetworkFailed):
            self.run(server)
        assert len(server.asked) == 1

    def test_a_long_answer_is_cut_and_no_reason_to_send_again(self, serve: Serve) -> None:
        server = serve(lambda asked: response(200, b"x" * 1_000_000))
        assert len(self.run(server).body) == 64 * 1024

    def test_inside_is_refused(self, serve: Serve, canary: HttpServer) -> None:
        with pytest.raises(NetworkRefused):
            self.run(serve(), url=canary.url)
        assert canary.connections == 0


class TestHttp:
    def run(self, server: HttpServer, path: str = "/", **config: Any) -> Any:
        given = {"url": server.url + path, **config}
        return HttpRequestNode().run(HttpConfig.model_validate(given), context(server))

    def test_json_comes_back_as_a_value(self, serve: Serve) -> None:
        server = serve(
            lambda asked: response(200, b'{"rate": 1.0842}', "Content-Type: application/json", "X-Left: 9", "X-B: 1")
        )
        output = self.run(server, query={"s": ["EUR/USD", "½"], "n": 2}, keep_headers=["X-Left"], credential="api-user")
        assert output.body == {"rate": 1.0842}
        assert output.headers == {"x-left": "9"}
        assert output.duration_ms > 0
        assert server.asked[0].target == "/?s=EUR%2FUSD&s=%C2%BD&n=2"
        assert server.asked[0].headers["authorization"] == "Basic YW5uOnBhc3MtOWIyYzc3"

    def test_a_form(self, serve: Serve) -> None:
        server = serve()
        self.run(server, method="POST", body_type="form", body={"a": "x y", "b": [1, True]})
        assert server.asked[0].body == b"a=x+y&b=1&b=true"
        assert server.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"

    def test_a_post_is_never_sent_twice_unless_it_may(self, serve: Serve) -> None:
        server = serve(lambda asked: b"")
        with pytest.raises(ReplyLost):
            self.run(server, method="POST", body_type="json", body={})
        with pytest.raises(NetworkFailed):
            self.run(server, method="POST", body_type="json", body={}, idempotent=True)
        assert "idempotency-key" not in server.asked[0].headers
        assert server.asked[1].headers["idempotency-key"]

    @pytest.mark.parametrize(("method", "error"), [("GET", ServerBusy), ("POST", UnexpectedStatus)])
    def test_a_fault_of_the_server(self, method: str, error: type[Exception], serve: Serve) -> None:
        with pytest.raises(error, match="500"):
            self.run(serve(lambda asked: response(500)), method=method)

    def test_a_status_that_is_expected(self, serve: Serve) -> None:
        server = serve(lambda asked: response(404, b"null", "Content-Type: application/json"))
        output = self.run(server, expected=[200, 404])
        assert (output.status, output.body) == (404, None)
