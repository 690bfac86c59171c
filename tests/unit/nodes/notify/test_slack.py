from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeHttp, answer
from tests.support.node_context import FakeContext
from tradeloom.errors import CredentialProblem, ExecutionStopped, UnexpectedStatus
from tradeloom.nodes.base import Credential
from tradeloom.nodes.notify._chat import Cutter, Message, slack_escaped, slack_payload
from tradeloom.nodes.notify.slack import Slack, SlackConfig, SlackOutput


def context(*answers: Any, **changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), web=FakeHttp(list(answers)), **changes)


def run(around: FakeContext, **config: Any) -> SlackOutput:
    return Slack().run(SlackConfig.model_validate({"credential": "slack", "text": "RSI 28", **config}), around)


def test_a_plain_text() -> None:
    around = context()
    assert run(around, text="<!channel> a & b").status == "sent"
    assert around.web.last_json == {"text": "&lt;!channel&gt; a &amp; b"}
    assert around.web.last.url == CREDENTIALS["slack"].fields["webhook_url"]
    assert around.web.last.redirects == "none"


def test_with_everything() -> None:
    around = context()
    run(around, title="Sold <b>", level="success", fields={"Pro*fit": "= 5 < 6"})
    assert around.web.last_json == {
        "text": "",
        "attachments": [
            {
                "color": "#22C55E",
                "fallback": "Sold &lt;b&gt;",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Sold <b>", "emoji": False}},
                    {"type": "section", "text": {"type": "mrkdwn", "text": "RSI 28"}},
                    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Pro∗fit*\n= 5 &lt; 6"}]},
                ],
            }
        ],
    }


@given(st.text(alphabet=st.sampled_from("<>&ab "), max_size=400), st.integers(20, 200))
def test_no_escape_is_torn(text: str, most: int) -> None:
    cutter = Cutter()
    made = slack_escaped(text, most, cutter)
    assert len(made) <= most
    assert "<" not in made
    assert ">" not in made
    plain = unescape(made)
    assert plain == text or (cutter.cut and plain.endswith("…") and text.startswith(plain[:-1]))


@given(
    st.text(max_size=8_000),
    st.text(max_size=500),
    st.dictionaries(st.text(max_size=300), st.text(max_size=2_500), max_size=15),
)
def test_whatever_comes_fits_slacks_limits(text: str, title: str, fields: dict[str, str]) -> None:
    payload, _ = slack_payload(Message(text, title, "warning", fields))
    for block in payload["attachments"][0]["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        elif "text" in block:
            assert len(block["text"]["text"]) <= 3_000
        else:
            assert len(block["fields"]) <= 10
            assert all(len(field["text"]) <= 2_000 for field in block["fields"])


def test_failures() -> None:
    around = context(answer(403, b"invalid_token", {"content-type": "text/plain"}))
    output = run(around)
    assert output.status == "failed"
    assert output.error == {"name": "UnexpectedStatus", "message": "hooks.slack.com answered 403: invalid_token"}
    with pytest.raises(UnexpectedStatus):
        run(context(answer(404, b"no_team")), fail="stop")
    with pytest.raises(ExecutionStopped):
        run(context(stopped=True))


def test_a_credential_that_leads_elsewhere() -> None:
    around = context()
    around.credentials["slack"] = Credential("slack", "slack", {"webhook_url": "https://slack.evil.example/services/x"})
    with pytest.raises(CredentialProblem, match="no slack webhook"):
        run(around, fail="stop")


def test_in_a_test_nothing_is_sent() -> None:
    around = context(test_mode=True)
    output = run(around)
    assert output.rendered == {"url": "https://hooks.slack.com/•••", "body": {"text": "RSI 28"}}
    assert around.web.requests == []
