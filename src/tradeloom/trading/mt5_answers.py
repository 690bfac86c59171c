"""The bridge's answers as facts."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradeloom.trading import protocol
from tradeloom.trading.intents import OrderOutcome
from tradeloom.trading.protocol import UnreadableAnswer


def fact[F: BaseModel](kind: type[F], value: Any) -> F:
    """Raises `UnreadableAnswer` for what is none."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnreadableAnswer(
            f"the bridge's answer is not a valid {kind.__name__} ({where}: {first['msg']})"
        ) from error


class _Told(BaseModel):
    """The header of an answer about an order."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    result: OrderOutcome | None
    arrays: Annotated[list[Any], Field(max_length=0)]


def encode_outcome(outcome: OrderOutcome | None) -> bytes:
    """The answer about an order; None when nothing is known of it. A price that is no number is told as none: what
    happened to the order must be told all the same."""
    return protocol.encode_told(b"null" if outcome is None else outcome.model_dump_json().encode())


def decode_outcome(data: bytes) -> OrderOutcome | None:
    """None when the bridge knows nothing of the order. Raises the error the bridge answered with, or
    `UnreadableAnswer`."""
    header = protocol.told(data)
    if header is not None:
        try:
            return _Told.model_validate_json(header).result
        except ValidationError:
            pass  # read step by step, it tells what is wrong
    result = protocol.decode_answer(data).result
    return None if result is None else fact(OrderOutcome, result)
