"""Answers about orders, and requests, are read in one go; whatever is out of the ordinary is read step by step. Both
ways must say the same."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import Conflict, InvalidInput, TradeloomError
from tradeloom.trading import methods, protocol
from tradeloom.trading.intents import (
    CloseIntent,
    MarketOrderIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    Side,
    client_order_id,
)
from tradeloom.trading.mt5_answers import decode_outcome, encode_outcome
from tradeloom.trading.protocol import UnreadableAnswer

AT = datetime(2024, 1, 10, 12, tzinfo=UTC)
COMMON: dict[str, Any] = {
    "account": "acc", "workflow_id": "w", "node_id": "n", "created_at": AT, "deadline": AT, "symbol": "EURUSD",
}  # fmt: skip
INTENTS: tuple[OrderIntent, ...] = (
    MarketOrderIntent(
        client_order_id=client_order_id("é\u2028", "n"), execution_id="é\u2028", side=Side.BUY, volume=Decimal("0.10"),
        **COMMON,
    ),
    CloseIntent(client_order_id=client_order_id("NaN", "n"), execution_id="NaN", position=7, **COMMON),
)  # fmt: skip
DONE = OrderOutcome(client_order_id="a" * 32, status=OutcomeStatus.DONE, order=1, volume=Decimal("0.1"), price=1.1)
ANSWERS = (
    encode_outcome(DONE),
    encode_outcome(None),
    encode_outcome(DONE.model_copy(update={"message": "NaN of them"})),
    protocol.encode_answer(DONE.model_dump(mode="json")),
    protocol.encode_error(Conflict("other content")),
)


def step_by_step(data: bytes) -> OrderOutcome | None:
    result = protocol.decode_answer(data).result
    try:
        return None if result is None else OrderOutcome.model_validate(result)
    except ValueError as error:
        raise UnreadableAnswer("no outcome") from error


def told(read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except TradeloomError as error:
        return type(error), error.field


@pytest.mark.parametrize("outcome", [DONE, None, DONE.model_copy(update={"resend_until": AT, "message": "NaN é"})])
def test_an_outcome_arrives_as_it_left(outcome: OrderOutcome | None) -> None:
    assert decode_outcome(encode_outcome(outcome)) == outcome


@pytest.mark.parametrize("price", [float("nan"), float("inf")])
def test_a_price_that_is_no_number_hides_no_outcome(price: float) -> None:
    """An error would say that nothing was sent."""
    heard = decode_outcome(encode_outcome(DONE.model_copy(update={"price": price})))
    assert heard == DONE.model_copy(update={"price": None})


@pytest.mark.parametrize("intent", INTENTS)
def test_a_request_arrives_as_it_left(intent: OrderIntent) -> None:
    payload = protocol.encode_request("ac\u00e9", methods.SendParams(intent=intent))
    request = protocol.decode_request("send", payload)
    assert (request.account, request.params) == ("ac\u00e9", methods.SendParams(intent=intent))


@given(
    st.sampled_from(ANSWERS), st.integers(0, 600), st.sampled_from((b"", b"9", b'"', b"NaN", b"null", b"}", b"\xff"))
)
def test_a_damaged_answer_is_read_the_same_either_way(answer: bytes, at: int, put: bytes) -> None:
    damaged = answer[:at] + put + answer[at + 1 :]
    assert told(decode_outcome, damaged) == told(step_by_step, damaged)


@given(
    st.sampled_from(INTENTS), st.integers(0, 600), st.sampled_from((b"", b"9", b'"', b"NaN", b"null", b"}", b"\xff"))
)
def test_a_damaged_request_is_read_the_same_either_way(intent: OrderIntent, at: int, put: bytes) -> None:
    payload = protocol.encode_request("acc", methods.SendParams(intent=intent))
    damaged = payload[:at] + put + payload[at + 1 :]

    def plainly(data: bytes) -> protocol.Request:
        try:
            body = json.loads(data.decode(), parse_constant=protocol._refuse_constant)
            sound = isinstance(body, dict) and body.keys() <= {"account", "params"} and body.get("account")
            if not sound or not isinstance(body["account"], str):
                raise InvalidInput("no request")
            return protocol.Request(body["account"], methods.SendParams.model_validate(body.get("params", {})))
        except ValueError as error:
            raise InvalidInput("no request") from error

    one, other = told(lambda data: protocol.decode_request("send", data), damaged), told(plainly, damaged)
    assert one == other or (one[0] is InvalidInput and other[0] is InvalidInput)


def _floats(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        own = [schema] if schema.get("type") == "float" else []
        return own + [found for part in schema.values() for found in _floats(part)]
    if isinstance(schema, list | tuple):
        return [found for part in schema for found in _floats(part)]
    return []


@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_no_parameter_is_a_number_without_a_form_in_json(method: str) -> None:
    """It would be sent as none at all; see `encode_request`."""
    floats = _floats(methods.METHODS[method].params.__pydantic_core_schema__)
    assert all(each.get("allow_inf_nan") is False for each in floats)
