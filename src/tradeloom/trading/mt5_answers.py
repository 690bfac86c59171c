"""The bridge's answers as facts."""

from typing import Any

from pydantic import BaseModel, ValidationError

from tradeloom.trading.intents import OrderOutcome
from tradeloom.trading.protocol import Answer, UnreadableAnswer


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


def outcome_in(answer: Answer) -> OrderOutcome | None:
    """None when the bridge knows nothing of the order."""
    return None if answer.result is None else fact(OrderOutcome, answer.result)
