from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeMail
from tests.support.node_context import FakeContext
from tradeloom.errors import CredentialProblem, ExecutionStopped, NetworkFailed, NodeConfigError, NotFound
from tradeloom.network.mail import written
from tradeloom.network.messages import MailMessage
from tradeloom.nodes.base import Credential
from tradeloom.nodes.notify.email import Email, EmailConfig, EmailOutput


def context(**changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), **changes)


def run(around: FakeContext, **config: Any) -> EmailOutput:
    given_config = {"credential": "mail", "to": ["ann@example.com"], "subject": "RSI", "body": "It is low.", **config}
    return Email().run(EmailConfig.model_validate(given_config), around)


def test_sends_once_it_may_act() -> None:
    around = context()
    output = run(around, cc=["bea@example.com"], html="<b>low</b>")
    message_id = f"<{around.client_order_id()}@example.com>"
    assert output == EmailOutput(status="sent", message_id=message_id, refused={}, rendered=None)
    [(message, server)] = around.post.sent
    assert message == MailMessage(
        sender="bot@example.com",
        to=("ann@example.com",),
        cc=("bea@example.com",),
        subject="RSI",
        text="It is low.",
        html="<b>low</b>",
        message_id=message_id,
    )
    assert (server.host, server.port, server.security) == ("smtp.example.com", 587, "starttls")
    assert around.acted == 1


def test_recipients_in_one_text_and_each_once() -> None:
    around = context()
    run(around, to="ann@example.com, bea@example.com; ann@EXAMPLE.com", cc=["Bea@example.com", "cy@example.com"])
    message = around.post.sent[0][0]
    assert message.to == ("ann@example.com", "bea@example.com")
    assert message.cc == ("cy@example.com",)


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com\r\nBcc: all@example.com",
        "ann@example.com\nX: y",
        "Ann <ann@example.com>",
        "ann@example.com, bea@example.com",
        "ann",
        "@example.com",
        "ann@",
        "ann@@example.com",
        "ann@exam ple.com",
        '"a b"@example.com',
        "änn@example.com",
        "ann@example..com",
        "ann@[127.0.0.1]",
        "",
        "x" * 65 + "@example.com",
    ],
)
def test_no_address_and_no_way_into_a_header(address: str) -> None:
    around = context()
    for field in ("to", "cc"):
        with pytest.raises(NodeConfigError) as raised:
            run(around, **{field: [address]})
        assert raised.value.field == f"config.{field}.0"
    assert around.post.sent == []


@pytest.mark.parametrize("subject", ["a\r\nBcc: all@example.com", "a\nb", "a\x00b", "a\u2028b", "a\x0bb", "a\x85b"])
def test_a_subject_is_one_line(subject: str) -> None:
    around = context()
    with pytest.raises(NodeConfigError) as raised:
        run(around, subject=subject)
    assert raised.value.field == "config.subject"
    assert around.post.sent == []


def test_a_long_subject_is_cut() -> None:
    around = context()
    run(around, subject="x" * 500)
    assert len(around.post.sent[0][0].subject) == 250


@given(st.text(max_size=300), st.text(max_size=300), st.none() | st.text(max_size=100))
def test_whatever_is_said_makes_one_message_with_our_headers_only(subject: str, body: str, html: str | None) -> None:
    around = context()
    try:
        run(around, subject=subject, body=body, html=html)
    except (NodeConfigError, ValidationError):
        return
    content = written(around.post.sent[0][0])
    head = content.partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")}
    assert names <= {
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding",
    }  # fmt: skip
    assert all(byte < 0x80 for byte in content)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))


def test_some_were_refused() -> None:
    around = context(post=FakeMail(refusing={"bea@example.com": "550 no such mailbox"}))
    output = run(around, cc=["bea@example.com"])
    assert (output.status, output.refused) == ("sent", {"bea@example.com": "550 no such mailbox"})
    assert [log["level"] for log in around.logs] == ["warning"]


def test_a_failure_is_an_error() -> None:
    with pytest.raises(NetworkFailed):
        run(context(post=FakeMail(problem=NetworkFailed("no route"))))


def test_a_stopped_execution_sends_nothing() -> None:
    around = context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(around)
    assert around.post.sent == []


def test_in_a_test_nothing_is_sent() -> None:
    around = context(test_mode=True)
    output = run(around)
    assert output.status == "rendered"
    assert output.rendered == {
        "from": "bot@example.com",
        "to": ["ann@example.com"],
        "cc": [],
        "subject": "RSI",
        "text": "It is low.",
        "html": None,
    }
    assert CREDENTIALS["mail"].fields["password"] not in output.model_dump_json()
    assert around.post.sent == []


@pytest.mark.parametrize(
    "change",
    [
        {"port": "0"},
        {"port": "x"},
        {"port": "٢٥"},
        {"port": "99999"},
        {"security": "ssl"},
        {"from": "a\r\nb@x.example"},
    ],
)
def test_a_credential_that_is_broken(change: dict[str, str]) -> None:
    around = context()
    around.credentials["mail"] = Credential("mail", "smtp", {**CREDENTIALS["mail"].fields, **change})
    with pytest.raises(CredentialProblem):
        run(around)


def test_of_another_kind_or_gone() -> None:
    with pytest.raises(CredentialProblem):
        run(context(), credential="slack")
    with pytest.raises(NotFound):
        run(context(), credential="nobody")


@pytest.mark.parametrize(
    "config",
    [{"to": []}, {"to": None}, {"to": 5}, {"to": [5]}, {"subject": " "}, {"body": None}, {"to": ["a@b.example"] * 21}],
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(context(), **config)


def test_too_many_together() -> None:
    with pytest.raises(NodeConfigError, match="are the most"):
        run(context(), to=[f"a{n}@example.com" for n in range(15)], cc=[f"b{n}@example.com" for n in range(15)])
