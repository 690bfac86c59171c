"""notify.telegram: a message from a Telegram bot."""

import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.errors import CredentialProblem, MessageRefused, NodeConfigError, TradeloomError
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, setting
from tradeloom.nodes.notify._sending import (
    HIDDEN,
    KEPT_BODY_BYTES,
    SENDING_ERRORS,
    TIMEOUT_S,
    ChatOutput,
    credential_setting,
    fail_setting,
    failure,
    post,
    timeout_setting,
)
from tradeloom.nodes.notify._telegram_html import fitted, telegram_html

if TYPE_CHECKING:
    from tradeloom.network.messages import HttpAnswer

API = "https://api.telegram.org"
MAX_MESSAGE = 4_096
"""UTF-16 code units of a message, as Telegram counts."""

_CHAT = re.compile(r"-?[0-9]{1,19}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_TOKEN = re.compile(r"[0-9]{3,16}:[A-Za-z0-9_-]{30,80}")


class TelegramConfig(NodeConfig):
    credential: str = credential_setting("telegram")
    chat_id: str = setting(
        title="Chat",
        help="Number of the chat, as of a person or group that spoke to the bot, or @name of a public channel.",
        widget="text",
        examples=["-1001234567890", "@my_signals"],
        min_length=1,
        max_length=40,
        coerce_numbers_to_str=True,
    )
    message: str = setting(
        title="Message",
        help=f"The text; {{{{ }}}} puts values in. Longer than {MAX_MESSAGE:,} characters it is cut.",
        widget="text",
        examples=["Bought {{ nodes.buy.volume }} lots at {{ nodes.buy.price }}"],
        pattern=r"\S",
        max_length=100_000,
        coerce_numbers_to_str=True,
    )
    parse_mode: Literal["none", "html"] = setting(
        "none",
        title="Marks",
        help="none sends the text as it is; html lets <b>, <i>, <code> and Telegram's other tags work in it.",
        widget="select",
        advanced=True,
    )
    silent: bool = setting(
        False, title="Silent", help="Arrives without a sound, for what can wait.", widget="toggle", advanced=True
    )
    fail: Literal["stop", "ignore"] = fail_setting()
    timeout_s: float = timeout_setting()


class TelegramOutput(ChatOutput):
    message_id: int | None = Field(
        description="Telegram's number of the message in its chat; null where none was sent."
    )


class Telegram(Node):
    type = "notify.telegram"
    title = "Telegram"
    description = "Sends a message from your Telegram bot to a person, group or channel."
    help = (
        "The bot is one you made with @BotFather; its token is kept as a credential. A person must have started the "
        "bot, and a group or channel must have it as a member, before it may write there.\n\n"
        "With html, Telegram's tags work in the text; whatever is no such tag, or does not fit together, is shown "
        "as it is written, so a value with `<` in it cannot break a message. A text that is too long is cut.\n\n"
        "Telegram allows about a message a second to a chat and 20 a minute to a group. Asked to slow down, the "
        "node waits as long as its time-out allows. Messages arrive at least once: if an answer is lost and the "
        "node is tried again, one may appear twice. By default a failure is only reported in `status`, so that it "
        "never holds up an exit. In a test nothing is sent."
    )
    icon = "send"
    effects = frozenset({Effect.NETWORK})
    errors = SENDING_ERRORS
    timeout_s = TIMEOUT_S
    example = Example(
        title="Say what the RSI did",
        config={
            "credential": "telegram",
            "chat_id": "-1001234567890",
            "message": "<b>EURUSD</b>: RSI is {{ nodes.rsi.value }}",
            "parse_mode": "html",
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = TelegramConfig
    Output = TelegramOutput

    def run(self, config: TelegramConfig, context: NodeContext) -> TelegramOutput:
        payload, truncated = _payload(config)
        try:
            if context.test_mode:
                _token(config, context)
                context.before_acting()
                rendered = {"url": f"{API}/bot{HIDDEN}/sendMessage", "body": payload}
                return _output("rendered", truncated, rendered=rendered)
            message_id = _send(config, payload, context)
        except TradeloomError as error:
            return _output("failed", truncated, error=failure(error, config.fail, context))
        return _output("sent", truncated, message_id=message_id)


def _output(
    status: Literal["sent", "rendered", "failed"],
    truncated: bool,
    *,
    message_id: int | None = None,
    rendered: dict[str, Any] | None = None,
    error: dict[str, str] | None = None,
) -> TelegramOutput:
    return TelegramOutput(status=status, truncated=truncated, message_id=message_id, rendered=rendered, error=error)


def _payload(config: TelegramConfig) -> tuple[dict[str, Any], bool]:
    """The Bot API's sendMessage, and whether the text was cut. Raises `NodeConfigError`."""
    chat = config.chat_id.strip()
    if _CHAT.fullmatch(chat) is None:
        raise NodeConfigError(
            "The chat is neither a number nor an @name.",
            field="config.chat_id",
            hint="Write to the bot and look at getUpdates, or ask @userinfobot, for the number.",
        )
    text = config.message.strip()
    shown, truncated = telegram_html(text, MAX_MESSAGE) if config.parse_mode == "html" else fitted(text, MAX_MESSAGE)
    payload: dict[str, Any] = {"chat_id": chat if chat.startswith("@") else int(chat), "text": shown}
    if config.parse_mode == "html":
        payload["parse_mode"] = "HTML"
    payload["disable_notification"] = config.silent
    payload["link_preview_options"] = {"is_disabled": True}
    return payload, truncated


def _token(config: TelegramConfig, context: NodeContext) -> str:
    from tradeloom.network.composing import require

    token = require(context.credential(config.credential), "telegram").fields["bot_token"]
    if _TOKEN.fullmatch(token) is None:
        raise CredentialProblem(
            "The credential holds no bot token.", field="config.credential", hint="@BotFather gives it with /token."
        )
    return token


def _send(config: TelegramConfig, payload: dict[str, Any], context: NodeContext) -> int:
    """The message's number. Raises what the node's errors name."""
    from tradeloom.network.composing import encoded_json
    from tradeloom.network.messages import HttpRequest

    request = HttpRequest(
        method="POST",
        url=f"{API}/bot{_token(config, context)}/sendMessage",
        headers={"Content-Type": "application/json"},
        body=encoded_json(payload, field="config.message"),
        timeout_s=config.timeout_s,
        redirects="none",
        repeatable=True,
        max_bytes=KEPT_BODY_BYTES,
        cut=True,
    )
    return _message_id(post(context, request, retry_failed=config.fail == "ignore"))


def _message_id(answer: "HttpAnswer") -> int:
    from tradeloom.errors import BadResponse
    from tradeloom.network.composing import is_json, json_of
    from tradeloom.network.patience import BUSY, accepted

    host = "api.telegram.org"
    told = json_of(answer, host) if is_json(answer) else None
    if not isinstance(told, dict) or answer.status in BUSY:
        accepted(answer, host, repeatable=True)
    if not isinstance(told, dict):
        raise BadResponse(f"{host} answered with no JSON object.", sent=True)
    result = told.get("result")
    if told.get("ok") is True and isinstance(result, dict) and isinstance(result.get("message_id"), int):
        return int(result["message_id"])
    raise _refused(told)


def _refused(told: dict[str, Any]) -> MessageRefused:
    said = str(told.get("description", "no reason given"))[:300]
    code = told.get("error_code")
    parameters = told.get("parameters")
    moved = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    if code in {401, 404}:
        return MessageRefused(f"Telegram does not know the bot: {said}.", field="config.credential", sent=True)
    if isinstance(moved, int):
        return MessageRefused(f"The group moved: {said}.", field="config.chat_id", hint=f"Its chat is {moved} now.")
    return MessageRefused(f"Telegram refuses the message: {said}.", field="config.chat_id", sent=True)
