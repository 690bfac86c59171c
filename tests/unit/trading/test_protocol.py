import struct
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom import errors
from tradeloom.errors import BrokerError, InvalidInput, NotEnoughBars, TradeloomError
from tradeloom.trading import methods, protocol

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def view(code: str, numbers: Sequence[float]) -> memoryview:
    return memoryview(array(code, numbers)).cast("B")


@given(_values, st.lists(st.integers(0, 2**40)), st.lists(st.floats(allow_nan=True)), st.lists(st.integers(0, 2**20)))
def test_answers_arrive_as_they_left(result: object, longs: list[int], doubles: list[float], ints: list[int]) -> None:
    sent = {"a": ("<i8", view("q", longs)), "b": ("<f8", view("d", doubles)), "c": ("<i4", view("i", ints))}
    answer = protocol.decode_answer(protocol.encode_answer(result, sent))
    assert answer.result == result
    assert {name: (dtype, bytes(data)) for name, (dtype, data) in answer.arrays.items()} == {
        name: (dtype, bytes(data)) for name, (dtype, data) in sent.items()
    }


def test_arrays_begin_at_a_multiple_of_eight_bytes() -> None:
    for filler in range(9):
        data = protocol.encode_answer("x" * filler, {"a": ("<f8", view("d", [1.0]))})
        assert len(data) % 8 == 0


@given(st.binary())
def test_garbage_is_no_answer(data: bytes) -> None:
    with pytest.raises(BrokerError):
        protocol.decode_answer(data)


@given(st.data())
def test_nor_is_a_mutilated_one(data: st.DataObject) -> None:
    whole = protocol.encode_answer({"x": 1}, {"a": ("<f8", view("d", [1.0, 2.0]))})
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BrokerError):
        protocol.decode_answer(whole[:cut])
    with pytest.raises(BrokerError):
        protocol.decode_answer(whole + b"x")


@pytest.mark.parametrize(
    "header", ['{"result":1}', '{"arrays":[]}', '{"result":1,"arrays":[["a","<f2",1]]}', '{"result":1,"arrays":5}',
               '{"result":1,"arrays":[["a","<f8",-1]]}', '{"result":1,"arrays":[["a","<f8",9]]}', "[]", "NaN"]
)  # fmt: skip
def test_lying_headers_are_refused(header: str) -> None:
    with pytest.raises(BrokerError):
        protocol.decode_answer(struct.pack("!I", len(header)) + header.encode())


def test_numbers_that_json_has_no_form_for_are_not_sent() -> None:
    with pytest.raises(BrokerError, match="finite"):
        protocol.encode_answer({"bid": float("nan")})


@pytest.mark.parametrize(
    "kind", [errors.BrokerUnavailable, errors.Conflict, errors.NotFound, NotEnoughBars, InvalidInput]
)
def test_errors_arrive_as_what_they_were(kind: type[TradeloomError]) -> None:
    with pytest.raises(kind) as caught:
        protocol.decode_answer(protocol.encode_error(kind("so it is", field="a.b", hint="do this")))
    assert type(caught.value) is kind
    assert caught.value.as_dict() == {"name": kind.__name__, "message": "so it is", "field": "a.b", "hint": "do this"}


@given(_values)
def test_whatever_a_peer_calls_an_error_becomes_one(parts: object) -> None:
    assert isinstance(protocol.error_from(parts), TradeloomError)


@pytest.mark.parametrize("name", ["SystemExit", "Exception", "InvalidDocument", "__class__", 5, None])
def test_only_our_own_errors_can_be_named(name: object) -> None:
    assert type(protocol.error_from({"name": name, "message": "x"})) is BrokerError


class TestRequests:
    def test_arrive_as_they_left(self) -> None:
        params = methods.SymbolParams(symbol="EURUSD")
        request = protocol.decode_request("tick", protocol.encode_request("acc", params))
        assert (request.account, request.params) == ("acc", params)

    @pytest.mark.parametrize(
        ("method", "body", "field"),
        [
            ("tick", b'{"account":"a","params":{}}', "symbol"),
            ("tick", b'{"account":"a","params":{"symbol":5}}', "symbol"),
            ("tick", b'{"account":"a","params":{"symbol":"x","more":1}}', "more"),
            ("tick", b'{"account":"","params":{"symbol":"x"}}', "account"),
            ("tick", b'{"account":5,"params":{"symbol":"x"}}', "account"),
            ("tick", b'{"params":{"symbol":"x"}}', "account"),
            ("tick", b'{"account":"a","params":{"symbol":"' + b"x" * 30 + b'"}}', "symbol"),
            ("bars", b'{"account":"a","params":{"reference":{"account":"a"}}}', "reference.symbol"),
            ("outcome", b'{"account":"a","params":{"client_order_id":"Z"}}', "client_order_id"),
            ("send", b'{"account":"a","params":{"intent":{"kind":"limit"}}}', "intent"),
            ("set_speed", b'{"account":"a","params":{"speed":-1}}', "speed"),
            ("profit", b'{"account":"a","params":{"symbol":"x","side":"up"}}', "side"),
        ],
    )
    def test_that_are_wrong_name_the_field(self, method: str, body: bytes, field: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            protocol.decode_request(method, body)
        assert caught.value.field == field

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"account":"a","x":1}', b'{"account":"a","params":{"symbol":NaN}}', b"\xff",
                 b'{"account":"a","params":{"symbol":"\\ud800"}}', b"9" * 5000]
    )  # fmt: skip
    def test_that_are_none_are_refused(self, body: bytes) -> None:
        with pytest.raises(InvalidInput):
            protocol.decode_request("tick", body)

    def test_have_a_largest_size(self) -> None:
        with pytest.raises(InvalidInput, match="bytes"):
            protocol.encode_request("a" * protocol.MAX_REQUEST_BYTES, methods.NoParams())
        with pytest.raises(InvalidInput, match="bytes"):
            protocol.decode_request("tick", b" " * (protocol.MAX_REQUEST_BYTES + 1))
