from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeHttp, answer
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    CredentialProblem,
    ExecutionStopped,
    NetworkFailed,
    NodeConfigError,
    ServerBusy,
    UnexpectedStatus,
)
from tradeloom.nodes.base import Credential
from tradeloom.nodes.notify._chat import DISCORD_EMBED, Message, discord_payload
from tradeloom.nodes.notify.discord import Discord, DiscordConfig, DiscordOutput

TEXTS = st.text(max_size=6_000)


def context(*answers: Any, **changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), web=FakeHttp(list(answers)), **changes)


def run(around: FakeContext, **config: Any) -> DiscordOutput:
    return Discord().run(DiscordConfig.model_validate({"credential": "discord", "text": "RSI 28", **config}), around)


def test_a_plain_text() -> None:
    around = context()
    output = run(around)
    assert (output.status, output.message_id, output.truncated) == ("sent", "1234567890123456789", False)
    assert around.web.last.url == CREDENTIALS["discord"].fields["webhook_url"] + "?wait=true"
    assert around.web.last_json == {"content": "RSI 28", "allowed_mentions": {"parse": []}}
    assert around.acted == 1


def test_with_everything() -> None:
    around = context()
    run(around, title=" two\nlines ", level="error", fields={"Bid": 1.1221, "Ok": True}, username="Desk")
    assert around.web.last_json == {
        "embeds": [
            {
                "description": "RSI 28",
                "title": "two lines",
                "color": 0xEF4444,
                "fields": [
                    {"name": "Bid", "value": "1.1221", "inline": True},
                    {"name": "Ok", "value": "true", "inline": True},
                ],
            }
        ],
        "allowed_mentions": {"parse": []},
        "username": "Desk",
    }


@given(TEXTS, TEXTS, st.dictionaries(st.text(max_size=300), st.text(max_size=1_500), max_size=40))
def test_whatever_comes_fits_discords_limits_and_rings_nobody(text: str, title: str, fields: dict[str, str]) -> None:
    payload, truncated = discord_payload(Message(text, title, "info", fields))
    [embed] = payload["embeds"]
    shown = embed.get("fields", [])
    total = len(embed["description"]) + len(embed.get("title", ""))
    total += sum(len(field["name"]) + len(field["value"]) for field in shown)
    assert total <= DISCORD_EMBED
    assert len(embed["description"]) <= 4_096
    assert len(embed.get("title", "")) <= 256
    assert len(shown) <= 25
    assert all(1 <= len(field["name"]) <= 256 and 1 <= len(field["value"]) <= 1_024 for field in shown)
    assert payload["allowed_mentions"] == {"parse": []}
    whole = len(text) <= 4_096 and len(title) <= 256 and len(shown) == len(fields)
    assert truncated or whole


def test_what_is_cut_says_so() -> None:
    around = context()
    assert run(around, text="x" * 2_001).truncated
    assert len(around.web.last_json["content"]) == 2_000
    assert not run(around, text="x" * 2_000).truncated


class TestFailures:
    def test_are_reported_and_hold_nothing_up(self) -> None:
        around = context(answer(404, {"message": "Unknown Webhook", "code": 10015}))
        output = run(around)
        assert output.status == "failed"
        assert output.error == {
            "name": "UnexpectedStatus",
            "message": 'discord.com answered 404: {"message": "Unknown Webhook", "code": 10015}',
        }
        assert [log["level"] for log in around.logs] == ["warning"]

    @pytest.mark.parametrize(("status", "error"), [(404, UnexpectedStatus), (500, ServerBusy), (429, ServerBusy)])
    def test_are_errors_where_you_say_so(self, status: int, error: type[Exception]) -> None:
        with pytest.raises(error):
            run(context(answer(status, {})), fail="stop")

    def test_a_connection_that_cannot_be_made_is_tried_again(self) -> None:
        around = context(NetworkFailed("no route"))
        assert run(around).status == "sent"
        assert len(around.web.requests) == 2

    def test_a_credential_that_is_gone(self) -> None:
        output = run(context(), credential="nobody")
        assert output.error is not None
        assert output.error["name"] == "NotFound"

    def test_a_stopped_execution_is_none(self) -> None:
        around = context(stopped=True)
        with pytest.raises(ExecutionStopped):
            run(around)
        assert around.web.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/webhooks/1/x",
        "http://discord.com/api/webhooks/1/x",
        "https://discord.com.evil.example/x",
    ],
)
def test_a_credential_that_leads_elsewhere(url: str) -> None:
    around = context()
    around.credentials["discord"] = Credential("discord", "discord", {"webhook_url": url})
    with pytest.raises(CredentialProblem):
        run(around, fail="stop")
    assert around.web.requests == []


@pytest.mark.parametrize("fail", ["stop", "ignore"])
def test_a_name_that_discord_refuses_is_told_when_it_is_set(fail: str) -> None:
    with pytest.raises(NodeConfigError) as raised:
        run(context(), username="Discord bot", fail=fail)
    assert raised.value.field == "config.username"


def test_in_a_test_nothing_is_sent_and_nothing_shown_of_the_address() -> None:
    around = context(test_mode=True)
    output = run(around)
    assert output.status == "rendered"
    assert output.rendered == {
        "url": "https://discord.com/•••",
        "body": {"content": "RSI 28", "allowed_mentions": {"parse": []}},
    }
    assert around.web.requests == []


@pytest.mark.parametrize(
    "config", [{"text": ""}, {"text": "  "}, {"text": None}, {"credential": ""}, {"level": "loud"}, {"timeout_s": 0}]
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DiscordConfig.model_validate({"credential": "discord", "text": "x", **config})
