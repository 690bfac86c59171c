"""Telegram's Bot API on loopback, as far as sendMessage goes: its JSON, its refusals, its limits."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.integration.network.servers import Asked, response

TOKEN = "123456789:AAE-abcdefghijklmnopqrstuvwxyz012345"
GROUP, MOVED, BLOCKED = -1001234567890, -4001, 501


@dataclass
class TelegramServer:
    """Call it as an `HttpServer`'s answer. `slow_down` is how many of the next calls meet a 429, with `retry_after`."""

    slow_down: int = 0
    retry_after: int = 1
    down: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> bytes:
        status, body = self._answer(asked)
        return response(status, json.dumps(body).encode(), "Content-Type: application/json")

    def _answer(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        bot, _, method = asked.target.removeprefix("/bot").partition("/")
        if bot != TOKEN:
            return _refused(401, "Unauthorized")
        if method != "sendMessage" or asked.method != "POST":
            return _refused(404, "Not Found: method not found")
        if self.down:
            self.down -= 1
            return _refused(502, "Bad Gateway")
        if self.slow_down:
            self.slow_down -= 1
            text = f"Too Many Requests: retry after {self.retry_after}"
            return _refused(429, text, {"retry_after": self.retry_after})
        return self._send(json.loads(asked.body))

    def _send(self, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not message["text"].strip():
            return _refused(400, "Bad Request: message text is empty")
        if len(message["text"]) > 4_096 and "parse_mode" not in message:
            return _refused(400, "Bad Request: message is too long")
        match message["chat_id"]:
            case chat if chat == MOVED:
                text = "Bad Request: group chat was upgraded to a supergroup chat"
                return _refused(400, text, {"migrate_to_chat_id": GROUP})
            case chat if chat == BLOCKED:
                return _refused(403, "Forbidden: bot was blocked by the user")
            case chat if chat != GROUP:
                return _refused(400, "Bad Request: chat not found")
        self.messages.append(message)
        sent = {"message_id": len(self.messages), "chat": {"id": GROUP, "type": "supergroup"}, "text": message["text"]}
        return 200, {"ok": True, "result": sent}


def _refused(code: int, description: str, parameters: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    body = {"ok": False, "error_code": code, "description": description}
    return code, body | ({"parameters": parameters} if parameters else {})
