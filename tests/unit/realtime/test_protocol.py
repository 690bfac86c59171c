"""AppSync Events' frames and channels, as a subscriber of its sends and reads them."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import InvalidInput, NotFound, Unauthorized
from tradeloom.realtime import protocol
from tradeloom.realtime.channels import Channel, channel_of

ID = "ee849ef0-cf23-4cb8-9fcb-152ae4fd1e69"


def test_the_frames_of_the_documentation_are_read() -> None:
    frame = protocol.read_frame(
        json.dumps(
            {
                "type": "subscribe",
                "id": ID,
                "channel": "/namespaceA/subB/subC",
                "authorization": {"x-api-key": "da2-12345678901234567890123456", "host": "example1234567890000"},
            }
        )
    )
    assert isinstance(frame, protocol.Subscribe)
    assert (frame.id, frame.channel, frame.after) == (ID, "/namespaceA/subB/subC", None)
    assert isinstance(protocol.read_frame('{"type": "connection_init"}'), protocol.ConnectionInit)
    assert protocol.read_frame(f'{{"type": "unsubscribe", "id": "{ID}"}}') == protocol.Unsubscribe(
        type="unsubscribe", id=ID
    )


def test_the_frames_of_the_documentation_are_written() -> None:
    assert json.loads(protocol.connection_ack(300_000)) == {"type": "connection_ack", "connectionTimeoutMs": 300_000}
    assert json.loads(protocol.acknowledged("subscribe_success", ID)) == {"type": "subscribe_success", "id": ID}
    assert json.loads(protocol.KEEP_ALIVE) == {"type": "ka"}
    assert json.loads(protocol.refused("subscribe_error", NotFound("No.", hint="Look."), ID)) == {
        "type": "subscribe_error",
        "id": ID,
        "errors": [{"errorType": "NotFound", "message": "No. Look."}],
    }


@given(st.text())
def test_an_event_travels_as_a_string_in_a_list(text: str) -> None:
    event = json.dumps({"message": text})
    frame = json.loads(protocol.data(ID, event))
    assert (frame["type"], frame["id"]) == ("data", ID)
    (carried,) = frame["event"]
    assert json.loads(carried) == {"message": text}


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_frame_is_refused_with_a_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        protocol.read_frame(text)
    assert refused.value.field


@given(st.dictionaries(st.text(), st.text()))
def test_the_authorisation_travels_in_a_subprotocol(headers: dict[str, str]) -> None:
    carried = protocol.header_subprotocol(headers)
    assert not set(carried) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert protocol.authorization_of([protocol.SUBPROTOCOL, carried]) == headers


@pytest.mark.parametrize(
    "offered",
    [
        [],
        ["graphql-ws"],
        [protocol.SUBPROTOCOL],
        [protocol.SUBPROTOCOL, "header-"],
        [protocol.SUBPROTOCOL, "header-%%%"],
        [protocol.SUBPROTOCOL, "header-é"],
        [protocol.SUBPROTOCOL, "header-" + base64.urlsafe_b64encode(b'"text"').decode()],
        [protocol.SUBPROTOCOL, "header-" + base64.urlsafe_b64encode(b"[" * 4_000).decode()],
        [protocol.SUBPROTOCOL, "header-" + "A" * 9_000],
        [protocol.header_subprotocol({"Authorization": "Bearer x"})],
    ],
)
def test_other_subprotocols_carry_no_authorisation(offered: list[str]) -> None:
    with pytest.raises(Unauthorized):
        protocol.authorization_of(offered)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer  abc "}, "abc"),
        ({"host": "h", "AUTHORIZATION": "abc"}, "abc"),
        ({"Authorization": 7}, ""),
        ({"x-api-key": "abc"}, ""),
        ({}, ""),
    ],
)
def test_the_token_is_found_whatever_the_case(headers: dict[str, object], token: str) -> None:
    assert protocol.bearer_of(headers) == token


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("/runs/acme/e1", Channel("acme", "e1")),
        ("runs/acme/0f3d-aa/", Channel("acme", "0f3d-aa")),
        ("/runs/acme/*", Channel("acme", None)),
    ],
)
def test_channels_are_those_of_runs(name: str, channel: Channel) -> None:
    assert channel_of(name) == channel
    assert channel_of(str(channel)) == channel


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/runs",
        "/runs/acme",
        "/runs/*/*",
        "/runs/*",
        "/runs/acme/e1/x",
        "/other/acme/e1",
        "/runs/acme/e1\n",
        "/runs//e1",
        "/runs/acme/-e1",
        "/runs/acme/e 1",
        "/runs/acme/../e1",
        "/runs/acme/" + "e" * 51,
        "/Runs/acme/e1",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        channel_of(name)
    assert refused.value.field == "channel"
