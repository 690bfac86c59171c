import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeHttp, answer
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    BadResponse,
    CredentialProblem,
    ExecutionStopped,
    MessageRefused,
    NetworkTimeout,
    NodeConfigError,
    ServerBusy,
    TradeloomError,
    UnexpectedStatus,
)
from tradeloom.nodes.base import Credential
from tradeloom.nodes.notify._telegram_html import TAGS, telegram_html, units
from tradeloom.nodes.notify.telegram import Telegram, TelegramConfig, TelegramOutput

TOKEN = CREDENTIALS["telegram"].fields["bot_token"]


def context(*answers: Any, **changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), web=FakeHttp(list(answers)), **changes)


def run(around: FakeContext, **config: Any) -> TelegramOutput:
    given_config = {"credential": "telegram", "chat_id": "-100123", "message": "RSI 28", **config}
    return Telegram().run(TelegramConfig.model_validate(given_config), around)


def refusal(code: int, description: str, **parameters: Any) -> Any:
    body = {"ok": False, "error_code": code, "description": description}
    return answer(code, body | ({"parameters": parameters} if parameters else {}))


def test_sends() -> None:
    around = context()
    output = run(around, silent=True)
    assert (output.status, output.message_id) == ("sent", 4711)
    assert around.web.last.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    assert around.web.last_json == {
        "chat_id": -100123,
        "text": "RSI 28",
        "disable_notification": True,
        "link_preview_options": {"is_disabled": True},
    }


def test_a_channel_by_name_and_a_chat_by_number() -> None:
    around = context()
    run(around, chat_id="@my_signals")
    assert around.web.last_json["chat_id"] == "@my_signals"
    run(around, chat_id=77)
    assert around.web.last_json["chat_id"] == 77


@pytest.mark.parametrize("chat", ["signals", "@x", "1.5", "-", "@a b c d", "https://t.me/x", "1" * 25, "１２３"])
@pytest.mark.parametrize("fail", ["stop", "ignore"])
def test_no_chat_is_told_whatever_a_failure_means(chat: str, fail: str) -> None:
    with pytest.raises(NodeConfigError) as raised:
        run(context(), chat_id=chat, fail=fail)
    assert raised.value.field == "config.chat_id"


class TestHtml:
    @pytest.mark.parametrize(
        ("text", "made"),
        [
            ("<b>a</b> < 5 & <i>x", "<b>a</b> &lt; 5 &amp; <i>x</i>"),
            ("<b><i>a</b></i>", "<b><i>a&lt;/b&gt;</i></b>"),
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ('<a href="https://x.example/?a=1&amp;b">x</a>', '<a href="https://x.example/?a=1&amp;b">x</a>'),
            ('<a href="javascript:x">x</a>', '&lt;a href="javascript:x"&gt;x&lt;/a&gt;'),
            ("<a>x</a>", "&lt;a&gt;x&lt;/a&gt;"),
            ("</b>", "&lt;/b&gt;"),
            ("&lt;b&gt; &nbsp; &#33;", "&lt;b&gt; &amp;nbsp; !"),
        ],
    )
    def test_what_fits_stays(self, text: str, made: str) -> None:
        assert telegram_html(text, 4_096) == (made, False)

    @given(
        st.lists(
            st.sampled_from(["<b>", "</b>", "<i>", "</i>", "<code>", "</code>", "<", ">", "&", "&lt;", "a", "<x>"])
        ),
        st.integers(1, 30),
    )
    def test_always_well_formed_and_short_enough(self, pieces: list[str], most: int) -> None:
        made, _ = telegram_html("".join(pieces), most)
        open_tags: list[str] = []

        class Checker(HTMLParser):
            def handle_starttag(self, tag: str, attrs: Any) -> None:
                assert tag in TAGS
                open_tags.append(tag)

            def handle_endtag(self, tag: str) -> None:
                assert open_tags.pop() == tag

            def handle_data(self, data: str) -> None:
                shown.append(data)

            def handle_entityref(self, name: str) -> None:
                shown.append("&")

        shown: list[str] = []
        Checker(convert_charrefs=False).feed(made)
        assert open_tags == []
        assert units("".join(shown)) <= most
        assert not re.search(r"&(?!(lt|gt|amp|quot|#))", made)

    def test_and_is_sent_so(self) -> None:
        around = context()
        run(around, message="<b>a</b> < 5", parse_mode="html")
        assert around.web.last_json["text"] == "<b>a</b> &lt; 5"
        assert around.web.last_json["parse_mode"] == "HTML"


class TestLength:
    @pytest.mark.parametrize("mode", ["none", "html"])
    @pytest.mark.parametrize("text", ["x" * 5_000, "😀" * 3_000, "<b>a</b>& " * 2_000, "<" * 9_000, "&lt;" * 5_000])
    def test_is_cut_as_telegram_counts(self, mode: str, text: str) -> None:
        around = context()
        assert run(around, message=text, parse_mode=mode).truncated
        sent = around.web.last_json["text"]
        shown = unescape(re.sub(r"</?b>", "", sent)) if mode == "html" else sent
        assert 4_094 < units(shown) <= 4_096
        assert shown.endswith("…")

    def test_what_fits_is_whole(self) -> None:
        around = context()
        assert not run(around, message="x" * 4_096).truncated
        assert not run(around, message="<b>" + "x" * 4_096 + "</b>", parse_mode="html").truncated


class TestFailures:
    @pytest.mark.parametrize(
        ("given_answer", "error"),
        [
            (refusal(400, "Bad Request: chat not found"), MessageRefused),
            (refusal(401, "Unauthorized"), MessageRefused),
            (refusal(403, "Forbidden: bot was kicked"), MessageRefused),
            (refusal(429, "Too Many Requests", retry_after=300), ServerBusy),
            (refusal(500, "Internal Server Error"), ServerBusy),
            (answer(502, b"<html>Bad Gateway</html>"), ServerBusy),
            (answer(200, b"<html>a captive portal</html>"), BadResponse),
            (answer(200, {"ok": True}), MessageRefused),
            (answer(200, []), BadResponse),
            (answer(404, b""), UnexpectedStatus),
            (NetworkTimeout("too long", sent=True), NetworkTimeout),
        ],
    )
    def test_errors(self, given_answer: Any, error: type[TradeloomError]) -> None:
        with pytest.raises(error) as raised:
            run(context(given_answer), fail="stop")
        assert TOKEN not in f"{raised.value} {raised.value.hint}"
        output = run(context(given_answer))
        assert output.status == "failed"
        assert output.error is not None
        assert output.error["name"] == error.__name__

    def test_waits_as_asked_to(self) -> None:
        around = context(refusal(429, "Too Many Requests: retry after 3", retry_after=3))
        assert run(around).status == "sent"
        assert around.web.pauses == [3]
        assert around.acted == 2

    @pytest.mark.parametrize("fail", ["stop", "ignore"])
    def test_a_stopped_execution_stays_stopped(self, fail: str) -> None:
        around = context(stopped=True)
        with pytest.raises(ExecutionStopped):
            run(around, fail=fail)
        assert around.web.requests == []

    @pytest.mark.parametrize(
        "token", ["", "123:short", "abc:AAE-abcdefghijklmnopqrstuvwxyz012345", "1234:a/../../x" * 3]
    )
    def test_a_token_that_is_none_goes_nowhere(self, token: str) -> None:
        around = context()
        around.credentials["telegram"] = Credential("telegram", "telegram", {"bot_token": token})
        with pytest.raises(CredentialProblem):
            run(around, fail="stop")
        assert around.web.requests == []


def test_in_a_test_nothing_is_sent() -> None:
    around = context(test_mode=True)
    output = run(around)
    assert output.status == "rendered"
    assert output.rendered is not None
    assert output.rendered["url"] == "https://api.telegram.org/bot•••/sendMessage"
    assert output.rendered["body"]["text"] == "RSI 28"
    assert TOKEN not in output.model_dump_json()
    assert around.web.requests == []


@pytest.mark.parametrize(
    "config", [{"message": " "}, {"message": None}, {"chat_id": None}, {"parse_mode": "markdown"}, {"silent": "maybe"}]
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TelegramConfig.model_validate({"credential": "telegram", "chat_id": "1", "message": "x", **config})
