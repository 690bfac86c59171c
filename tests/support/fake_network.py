"""The network ports in memory: what was sent is kept, and the services nodes know answer as they document it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradeloom.network.messages import HttpAnswer, HttpRequest, MailMessage, MailServer
from tradeloom.network.urls import parse_url

JSON = {"content-type": "application/json"}


def answer(
    status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None, url: str = "https://api.example.com/"
) -> HttpAnswer:
    """`body` is bytes as they come, or what is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else JSON
    return HttpAnswer(status, {**kind, **(headers or {})}, content, url, 12.5)


@dataclass
class FakeHttp:
    """Gives `answers` one after another, an exception by raising it; then what the host would say on a good day."""

    answers: list[HttpAnswer | Exception] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    on_send: Callable[[HttpRequest], None] = lambda request: None

    def send(self, request: HttpRequest) -> HttpAnswer:
        target = parse_url(request.url)
        self.requests.append(request)
        self.on_send(request)
        if self.answers:
            given = self.answers.pop(0)
            if isinstance(given, Exception):
                raise given
            return given
        return _good_day(target.host, request)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    @property
    def last(self) -> HttpRequest:
        return self.requests[-1]

    @property
    def last_json(self) -> Any:
        return json.loads(self.last.body)


@dataclass
class FakeMail:
    """Takes every message, but not for the recipients in `refusing`; raises `problem` where there is one."""

    sent: list[tuple[MailMessage, MailServer]] = field(default_factory=list)
    refusing: dict[str, str] = field(default_factory=dict)
    problem: Exception | None = None
    on_send: Callable[[MailMessage], None] = lambda message: None

    def send(self, message: MailMessage, server: MailServer, *, timeout_s: float) -> Mapping[str, str]:
        if self.problem is not None:
            raise self.problem
        self.sent.append((message, server))
        self.on_send(message)
        return {to: why for to, why in self.refusing.items() if to in (*message.to, *message.cc)}


def _good_day(host: str, request: HttpRequest) -> HttpAnswer:
    match host:
        case "api.telegram.org":
            asked = json.loads(request.body)
            result = {
                "message_id": 4711,
                "date": 1_496_318_400,
                "chat": {"id": asked["chat_id"]},
                "text": asked["text"],
            }
            return answer(body={"ok": True, "result": result}, url=request.url)
        case "discord.com":
            return answer(body={"id": "1234567890123456789", "channel_id": "1"}, url=request.url)
        case "hooks.slack.com":
            return answer(body=b"ok", headers={"content-type": "text/html"}, url=request.url)
    return answer(body={"ok": True}, url=request.url)
