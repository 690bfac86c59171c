"""Messages to chat services: one message, and the payload each service makes of it, within its own limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tradeloom.nodes.base import setting

Level = Literal["none", "info", "success", "warning", "error"]
COLOURS: Mapping[str, int] = {"info": 0x3B82F6, "success": 0x22C55E, "warning": 0xF59E0B, "error": 0xEF4444}

DISCORD_CONTENT = 2_000
DISCORD_TITLE = 256
DISCORD_DESCRIPTION = 4_096
DISCORD_FIELDS = 25
DISCORD_NAME = 256
DISCORD_VALUE = 1_024
DISCORD_EMBED = 6_000
"""Most characters in an embed's title, description and fields together."""

SLACK_TEXT = 3_000
SLACK_HEADER = 150
SLACK_FIELDS = 10
SLACK_FIELD = 2_000


@dataclass(frozen=True)
class Message:
    text: str
    title: str = ""
    level: Level = "none"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Cutter:
    """Cuts texts to what a service takes, and remembers whether it had to."""

    cut: bool = False

    def __call__(self, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        self.cut = True
        return text[: most - 1] + "…"

    def first(self, pairs: Mapping[str, str], most: int) -> list[tuple[str, str]]:
        self.cut = self.cut or len(pairs) > most
        return list(pairs.items())[:most]


def discord_payload(message: Message) -> tuple[dict[str, Any], bool]:
    """What Discord's webhooks take, and whether something was cut. Mentions in it ring nobody."""
    cutter = Cutter()
    silent: dict[str, Any] = {"allowed_mentions": {"parse": []}}
    if not message.title and message.level == "none" and not message.fields:
        return {"content": cutter(message.text, DISCORD_CONTENT), **silent}, cutter.cut
    embed: dict[str, Any] = {"description": cutter(message.text, DISCORD_DESCRIPTION)}
    if message.title:
        embed["title"] = cutter(message.title, DISCORD_TITLE)
    if message.level != "none":
        embed["color"] = COLOURS[message.level]
    room = DISCORD_EMBED - len(embed["description"]) - len(embed.get("title", ""))
    fields = []
    for name, value in cutter.first(message.fields, DISCORD_FIELDS):
        # Discord refuses an empty name or value, and an embed of more than its room.
        shown = {"name": cutter(name, DISCORD_NAME) or "–", "value": cutter(value, DISCORD_VALUE) or "–"}
        room -= len(shown["name"]) + len(shown["value"])
        if room < 0:
            cutter.cut = True
            break
        fields.append({**shown, "inline": True})
    if fields:
        embed["fields"] = fields
    return {"embeds": [embed], **silent}, cutter.cut


def slack_payload(message: Message) -> tuple[dict[str, Any], bool]:
    """What Slack's incoming webhooks take, and whether something was cut. `<!channel>` and the like are plain text."""
    cutter = Cutter()
    text = slack_escaped(message.text, SLACK_TEXT, cutter)
    fallback = slack_escaped(message.title, SLACK_HEADER, cutter) or text
    if not message.title and message.level == "none" and not message.fields:
        return {"text": text}, cutter.cut
    blocks: list[dict[str, Any]] = []
    if message.title:
        # A header is plain text, in which Slack reads no marks and no mentions.
        title = {"type": "plain_text", "text": cutter(message.title, SLACK_HEADER), "emoji": False}
        blocks.append({"type": "header", "text": title})
    if text:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    shown = [_slack_field(name, value, cutter) for name, value in cutter.first(message.fields, SLACK_FIELDS)]
    if shown:
        blocks.append({"type": "section", "fields": shown})
    attachment: dict[str, Any] = {"blocks": blocks, "fallback": fallback}
    if message.level != "none":
        attachment["color"] = f"#{COLOURS[message.level]:06X}"
    return {"text": "", "attachments": [attachment]}, cutter.cut


def slack_escaped(text: str, most: int, cutter: Cutter) -> str:
    """The text with Slack's three control characters escaped, cut so that no escape is torn."""
    if len(_escaped(text)) <= most:
        return _escaped(text)
    kept = cutter(text, most)
    while len(_escaped(kept)) > most:
        kept = kept[: -1 - max(1, (len(_escaped(kept)) - most) // 5)] + "…"
    cutter.cut = True
    return _escaped(kept)


PAYLOADS: Mapping[str, Callable[[Message], tuple[dict[str, Any], bool]]] = {
    "discord": discord_payload,
    "slack": slack_payload,
}


def one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_field(name: str, value: str, cutter: Cutter) -> dict[str, str]:
    label = slack_escaped(one_line(name).replace("*", "∗"), 200, cutter)
    return {"type": "mrkdwn", "text": f"*{label}*\n{slack_escaped(value, SLACK_FIELD - 250, cutter)}"}


def text_setting(most: int) -> Any:
    return setting(
        title="Message",
        help=f"The text; {{{{ }}}} puts values in. Longer than {most:,} characters it is cut.",
        widget="text",
        examples=["Bought {{ nodes.buy.volume }} lots at {{ nodes.buy.price }}"],
        pattern=r"\S",
        max_length=100_000,
        coerce_numbers_to_str=True,
    )


def title_setting(most: int) -> Any:
    return setting(
        "",
        title="Title",
        help=f"One line above the text. Longer than {most} characters it is cut.",
        widget="text",
        max_length=10_000,
        coerce_numbers_to_str=True,
    )


def level_setting() -> Any:
    return setting(
        "none",
        title="Level",
        help="The colour at the message's edge: blue for info, green for success, amber for warning, red for error.",
        widget="select",
    )


def fields_setting(most: int) -> Any:
    return setting(
        {},
        title="Fields",
        help=f"Names with short values, shown side by side below the text; the first {most} of them.",
        widget="key-value",
        examples=[{"Symbol": "EURUSD", "Profit": "= nodes.close.profit"}],
        max_length=100,
    )
