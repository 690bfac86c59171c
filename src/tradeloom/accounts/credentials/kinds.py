"""The kinds of credentials: which fields each has, which of them are secret, and what a usable value is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tradeloom.accounts.credentials.errors import InvalidCredential
from tradeloom.errors import InvalidInput

MAX_VALUE: Final = 8192
"""Longest value, in characters: a private key in PEM fits."""
LEAST_SECRET: Final = 4
"""Shortest secret. A shorter one could not be kept out of logs without blotting out ordinary words."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?")
_ADDRESS: Final = re.compile(r"[^@\s<>\",;:\\()\[\]]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_BOT_TOKEN: Final = re.compile(r"[0-9]{3,16}:[A-Za-z0-9_-]{30,80}")
_FRAMING: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that frame a request: not a credential's to set."""


def _matching(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"this is not {what}")
        return value

    return AfterValidator(check)


def _one_line(value: str) -> str:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise ValueError("it holds a line break or another control character")
    return value


def _header_value(value: str) -> str:
    if not all(0x20 <= ord(character) < 0x7F for character in value) or value != value.strip():
        raise ValueError("a header holds printable ASCII characters, and no space at either end")
    return value


def _header_name(value: str) -> str:
    if value.lower() in _FRAMING:
        raise ValueError("this header is part of how a request is sent; a credential cannot set it")
    return value


def _user(value: str) -> str:
    if ":" in value:
        raise ValueError("a user name of basic authentication holds no colon")
    return value


def _webhook_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("this is not a web address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ValueError("this is not a web address that starts with https://")
    if parts.username is not None or parts.fragment:
        raise ValueError("the address holds a user name or a fragment")
    if len(parts.path) < 8:
        raise ValueError("the address has no path; copy the whole of it")
    return value


def _port(value: str) -> str:
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and 1 <= int(value) <= 65_535):
        raise ValueError("a port is a whole number from 1 to 65535")
    return str(int(value))


Line = Annotated[str, AfterValidator(_one_line)]


def _field(title: str, help: str, *, secret: bool = False, default: Any = ..., least: int | None = None) -> Any:
    least = least if least is not None else LEAST_SECRET if secret else 1
    bounds: dict[str, Any] = {"min_length": least, "max_length": MAX_VALUE}
    return Field(default, title=title, description=help, json_schema_extra={"secret": secret}, **bounds)


class _Kind(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, strict=True, defer_build=True)

    title: ClassVar[str]
    description: ClassVar[str]

    def also_secret(self) -> list[str]:
        """What a secret travels as besides itself."""
        return []


class HttpHeader(_Kind):
    title = "Header with an API key"
    description = "One HTTP header whose value is secret, such as X-API-Key."

    header: Annotated[Line, _matching(_TOKEN, "a header's name"), AfterValidator(_header_name)] = _field(
        "Header", "Name of the header, such as X-API-Key."
    )
    value: Annotated[str, AfterValidator(_header_value)] = _field("Value", "What the header holds.", secret=True)


class HttpBasic(_Kind):
    title = "User name and password (HTTP basic)"
    description = "Sent as `Authorization: Basic …`."

    username: Annotated[Line, AfterValidator(_user)] = _field("User name", "Without a colon.")
    password: Line = _field("Password", "The password, or the token that stands for one.", secret=True)

    def also_secret(self) -> list[str]:
        return [f"{self.username}:{self.password}"]


class HttpBearer(_Kind):
    title = "Bearer token"
    description = "Sent as `Authorization: Bearer …`."

    token: Annotated[str, AfterValidator(_header_value)] = _field("Token", "Without the word Bearer.", secret=True)


class Hmac(_Kind):
    title = "Signing secret (HMAC)"
    description = "Signs what is sent, and checks the signature of what comes in. It is never sent itself."

    secret: str = _field("Secret", "At least 16 characters, better 32 random ones.", secret=True, least=16)


class Smtp(_Kind):
    title = "Mail server (SMTP)"
    description = "The server mail is handed to, and who sends it."

    host: Annotated[Line, _matching(_HOST, "a host name or address")] = _field("Host", "Such as smtp.example.com.")
    port: Annotated[str, AfterValidator(_port)] = _field("Port", "587 for STARTTLS, 465 for TLS.", default="587")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        title="Security",
        description="`starttls` upgrades the connection, `tls` begins encrypted, `none` sends everything in the clear.",
    )
    username: Line | None = _field("User name", "Left out where the server asks for none.", default=None)
    password: Line | None = _field(
        "Password", "An app password where the provider has them.", secret=True, default=None
    )
    from_: Annotated[Line, _matching(_ADDRESS, "a mail address")] = Field(
        alias="from", title="From", description="The sender's address, such as bot@example.com.", max_length=320
    )

    def also_secret(self) -> list[str]:
        return [] if self.password is None else [f"{self.username or ''}:{self.password}"]


class Telegram(_Kind):
    title = "Telegram bot"
    description = "The token @BotFather gave for the bot."

    bot_token: Annotated[str, _matching(_BOT_TOKEN, "a bot's token; it looks like 123456789:AAE…")] = _field(
        "Bot token", "Digits, a colon, then some 35 characters.", secret=True
    )

    def also_secret(self) -> list[str]:
        return [self.bot_token.partition(":")[2]]


class _Webhook(_Kind):
    webhook_url: Annotated[Line, AfterValidator(_webhook_url)] = _field(
        "Webhook address", "The whole address: who knows it can post.", secret=True
    )

    def also_secret(self) -> list[str]:
        parts = urlsplit(self.webhook_url)
        query = f"?{parts.query}" if parts.query else ""
        pieces = [piece for piece in parts.path.split("/") if len(piece) >= 16]
        return [f"{parts.path}{query}", *pieces]


class Discord(_Webhook):
    title = "Discord webhook"
    description = "Posts into one channel of a Discord server."


class Slack(_Webhook):
    title = "Slack webhook"
    description = "Posts into one channel of a Slack workspace."


MODELS: Final[Mapping[str, type[_Kind]]] = {
    "http_header": HttpHeader,
    "http_basic": HttpBasic,
    "http_bearer": HttpBearer,
    "hmac": Hmac,
    "smtp": Smtp,
    "telegram": Telegram,
    "discord": Discord,
    "slack": Slack,
}


@dataclass(frozen=True, slots=True)
class FieldOfKind:
    """One field as a form shows it. `choices` are the only values it takes, None where it is text."""

    name: str
    title: str
    help: str
    secret: bool
    required: bool
    default: str | None
    choices: tuple[str, ...] | None


def fields_of(kind: str) -> list[FieldOfKind]:
    """A kind's fields in the order a form shows them. Raises `InvalidInput` for a kind there is not."""
    found = []
    for attribute, info in _model(kind).model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        choices = getattr(info.annotation, "__args__", ()) if "Literal" in str(info.annotation) else ()
        found.append(
            FieldOfKind(
                name=info.alias or attribute,
                title=info.title or attribute,
                help=info.description or "",
                secret=bool(extra.get("secret", False)),
                required=info.is_required(),
                default=None if info.is_required() else info.default,
                choices=tuple(choices) or None,
            )
        )
    return found


def check(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with defaults filled in; what was left out and has none is not in it.

    Raises `InvalidInput` for a kind there is not, `InvalidCredential` naming every field that is wrong.
    """
    model = _model(kind)
    declared = [each.name for each in fields_of(kind)]
    problems: list[dict[str, Any]] = []
    if not fields.keys() <= set(declared):
        told = f"A credential of kind {kind} has the fields {', '.join(declared)}; another was given."
        problems.append(_problem("fields", told))
    try:
        made = model.model_validate(dict(fields))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            message = str(each["msg"]).removeprefix("Value error, ")
            problems.append(_problem(f"fields.{each['loc'][0]}", message))
    if problems:
        raise InvalidCredential(problems)
    return {name: value for name, value in made.model_dump(by_alias=True).items() if value is not None}


def secrets_of(kind: str, fields: Mapping[str, str]) -> list[str]:
    """Every text that must not show anywhere: the secret fields, and what they travel as."""
    made = _model(kind).model_validate(dict(fields))
    secret = {each.name for each in fields_of(kind) if each.secret}
    return [value for name, value in fields.items() if name in secret] + made.also_secret()


def secret_names(kind: str) -> frozenset[str]:
    return frozenset(each.name for each in fields_of(kind) if each.secret)


def _model(kind: str) -> type[_Kind]:
    model = MODELS.get(kind)
    if model is None:
        raise InvalidInput(
            "There is no such kind of credential.", field="kind", hint=f"There are: {', '.join(MODELS)}."
        )
    return model


def _problem(field: str, message: str) -> dict[str, Any]:
    return {"code": "invalid_field", "field": field, "message": message, "severity": "error"}
