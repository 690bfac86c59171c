"""AppSync Events' WebSocket protocol, as far as a subscriber speaks it; no input or output here.

https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html. One extension: `after` in a
subscribe message asks for what was missed since that number; AppSync's own service does not know it.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, TypeAdapter, ValidationError

from tradeloom.errors import InvalidInput, TradeloomError, Unauthorized

PATH: Final = "/event/realtime"
SUBPROTOCOL: Final = "aws-appsync-event-ws"
HEADER: Final = "header-"
MAX_HEADER: Final = 8_192
ID_PATTERN: Final = r"^[a-zA-Z0-9_+-]{1,128}$"

Authorization = dict[str, Any]
Id = Annotated[str, Field(pattern=ID_PATTERN)]


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class ConnectionInit(_Frame):
    type: Literal["connection_init"]


class Subscribe(_Frame):
    type: Literal["subscribe"]
    id: Id
    channel: Annotated[str, Field(max_length=300)]
    authorization: Authorization = Field(default_factory=dict)
    after: Annotated[StrictInt, Field(ge=0, le=2**53)] | None = None


class Unsubscribe(_Frame):
    type: Literal["unsubscribe"]
    id: Id


ClientFrame = ConnectionInit | Subscribe | Unsubscribe
_CLIENT_FRAME: Final[TypeAdapter[ClientFrame]] = TypeAdapter(
    Annotated[ClientFrame, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)


def read_frame(text: str) -> ClientFrame:
    """What a client says. Raises `InvalidInput`; `publish` is none of a subscriber's."""
    try:
        return _CLIENT_FRAME.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:])) or "type"
        raise InvalidInput(
            f"This is not a message a subscriber sends: {where}: {first['msg']}",
            field=where,
            hint="connection_init, subscribe and unsubscribe are known.",
        ) from None


def authorization_of(subprotocols: Sequence[str]) -> Authorization:
    """The headers a client carries in its subprotocols, as `header-<base64url of JSON>`. Raises `Unauthorized`."""
    if SUBPROTOCOL not in subprotocols:
        raise Unauthorized(
            f"This address speaks the subprotocol {SUBPROTOCOL}.",
            hint=f"Offer {SUBPROTOCOL} and {HEADER}<base64url of the authorisation>.",
        )
    carried = next((name.removeprefix(HEADER) for name in subprotocols if name.startswith(HEADER)), None)
    if carried is None or len(carried) > MAX_HEADER:
        raise Unauthorized(
            "This address needs the bearer token.",
            hint=f"Offer the subprotocol {HEADER}<base64url of {{host, Authorization}}>.",
        )
    try:
        said = json.loads(base64.urlsafe_b64decode(carried + "=" * (-len(carried) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unauthorized(f"What follows {HEADER} is not the base64url of a JSON object.")
    return said


def bearer_of(authorization: Mapping[str, Any]) -> str:
    """The token, whatever the case of the header's name; "" where there is none. `Bearer ` may be left out."""
    for name, value in authorization.items():
        if name.lower() == "authorization" and isinstance(value, str):
            scheme, _, token = value.strip().partition(" ")
            return token.strip() if scheme.lower() == "bearer" else value.strip()
    return ""


def header_subprotocol(authorization: Mapping[str, Any]) -> str:
    """The subprotocol a client offers to carry its authorisation."""
    return HEADER + base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")


KEEP_ALIVE: Final = '{"type":"ka"}'


def connection_ack(timeout_ms: int) -> str:
    return json.dumps({"type": "connection_ack", "connectionTimeoutMs": timeout_ms})


def acknowledged(kind: Literal["subscribe_success", "unsubscribe_success"], id: str) -> str:
    return json.dumps({"type": kind, "id": id})


def refused(
    kind: Literal["subscribe_error", "unsubscribe_error", "connection_error", "error"],
    error: TradeloomError,
    id: str | None = None,
) -> str:
    told = error.message if error.hint is None else f"{error.message} {error.hint}"
    named = {} if id is None else {"id": id}
    return json.dumps({"type": kind, **named, "errors": [{"errorType": error.name, "message": told}]})


def data(id: str, event: str) -> str:
    """`event` is the message's JSON; it travels as a string in a list, as AppSync sends it."""
    return f'{{"type":"data","id":"{id}","event":[{json.dumps(event)}]}}'
