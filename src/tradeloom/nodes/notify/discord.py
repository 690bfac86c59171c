"""notify.discord: a message into a Discord channel."""

from typing import Any, Literal

from pydantic import Field

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, setting
from tradeloom.nodes.notify._chat import (
    DISCORD_CONTENT,
    DISCORD_FIELDS,
    DISCORD_TITLE,
    Level,
    Message,
    discord_payload,
    fields_setting,
    level_setting,
    one_line,
    text_setting,
    title_setting,
)
from tradeloom.nodes.notify._incoming import deliver
from tradeloom.nodes.notify._sending import (
    SENDING_ERRORS,
    TIMEOUT_S,
    ChatOutput,
    credential_setting,
    fail_setting,
    texts_of,
    timeout_setting,
)

HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")


class DiscordConfig(NodeConfig):
    credential: str = credential_setting("discord")
    text: str = text_setting(DISCORD_CONTENT)
    title: str = title_setting(DISCORD_TITLE)
    level: Level = level_setting()
    fields: dict[str, Any] = fields_setting(DISCORD_FIELDS)
    username: str = setting(
        "",
        title="Shown as",
        help="Another name for the sender than the webhook's own.",
        widget="text",
        max_length=80,
        advanced=True,
    )
    fail: Literal["stop", "ignore"] = fail_setting()
    timeout_s: float = timeout_setting()


class DiscordOutput(ChatOutput):
    message_id: str = Field(description="Discord's id of the message; empty where none was sent.")


class Discord(Node):
    type = "notify.discord"
    title = "Discord"
    description = "Posts a message into a Discord channel."
    help = (
        "Posts through a channel's webhook (*Edit channel, Integrations, Webhooks* in Discord), whose address is "
        "kept as a credential. A plain text takes up to 2,000 characters; with a title, a level or fields it "
        "becomes an embed, whose text takes 4,096. What is longer is cut rather than lost.\n\n"
        "Discord's own Markdown works in the text. Mentions such as `@everyone` are shown and ring nobody. When "
        "Discord asks to slow down, the node waits as long as its time-out allows. If an answer is lost and the "
        "node is tried again, the message may appear twice. By default a failure is only reported in `status`."
    )
    icon = "message-circle"
    effects = frozenset({Effect.NETWORK})
    errors = SENDING_ERRORS
    timeout_s = TIMEOUT_S
    example = Example(
        title="Say what the RSI did",
        config={
            "credential": "discord",
            "title": "RSI oversold",
            "text": "RSI is {{ nodes.rsi.value }}",
            "level": "warning",
            "fields": {"Before": "= nodes.rsi.previous"},
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = DiscordConfig
    Output = DiscordOutput

    def run(self, config: DiscordConfig, context: NodeContext) -> DiscordOutput:
        if any(word in config.username.lower() for word in ("discord", "clyde")):
            raise NodeConfigError("Discord takes no name with “discord” or “clyde” in it.", field="config.username")
        message = Message(config.text.strip(), one_line(config.title), config.level, texts_of(config.fields))
        payload, truncated = discord_payload(message)
        if config.username.strip():
            payload["username"] = one_line(config.username)
        delivered = deliver(
            context,
            payload,
            kind="discord",
            credential=config.credential,
            hosts=HOSTS,
            query={"wait": "true"},  # makes Discord answer with the message, and only once it is posted
            timeout_s=config.timeout_s,
            fail=config.fail,
        )
        return DiscordOutput(
            status=delivered.status,
            truncated=truncated,
            rendered=delivered.rendered,
            error=delivered.error,
            message_id=str(delivered.answer.get("id", "")),
        )
