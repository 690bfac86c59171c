"""notify.slack: a message into a Slack channel."""

from typing import Any, Literal

from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext
from tradeloom.nodes.notify._chat import (
    SLACK_FIELDS,
    SLACK_HEADER,
    SLACK_TEXT,
    Level,
    Message,
    fields_setting,
    level_setting,
    one_line,
    slack_payload,
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

HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")


class SlackConfig(NodeConfig):
    credential: str = credential_setting("slack")
    text: str = text_setting(SLACK_TEXT)
    title: str = title_setting(SLACK_HEADER)
    level: Level = level_setting()
    fields: dict[str, Any] = fields_setting(SLACK_FIELDS)
    fail: Literal["stop", "ignore"] = fail_setting()
    timeout_s: float = timeout_setting()


class SlackOutput(ChatOutput):
    pass


class Slack(Node):
    type = "notify.slack"
    title = "Slack"
    description = "Posts a message into a Slack channel."
    help = (
        "Posts through an incoming webhook of a Slack app, whose address is kept as a credential. The text takes up "
        "to 3,000 characters, the title 150; what is longer is cut rather than lost.\n\n"
        "Slack's `*bold*`, `_italic_` and `code` marks work in the text. Its control characters are escaped, so "
        "`<!channel>` or a link hidden behind other words is shown as it is written and rings nobody. When Slack "
        "asks to slow down, the node waits as long as its time-out allows. If an answer is lost and the node is "
        "tried again, the message may appear twice. By default a failure is only reported in `status`."
    )
    icon = "hash"
    effects = frozenset({Effect.NETWORK})
    errors = SENDING_ERRORS
    timeout_s = TIMEOUT_S
    example = Example(
        title="Say what the RSI did",
        config={
            "credential": "slack",
            "title": "RSI oversold",
            "text": "RSI is {{ nodes.rsi.value }}",
            "level": "warning",
            "fields": {"Before": "= nodes.rsi.previous"},
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = SlackConfig
    Output = SlackOutput

    def run(self, config: SlackConfig, context: NodeContext) -> SlackOutput:
        message = Message(config.text.strip(), one_line(config.title), config.level, texts_of(config.fields))
        payload, truncated = slack_payload(message)
        delivered = deliver(
            context,
            payload,
            kind="slack",
            credential=config.credential,
            hosts=HOSTS,
            query={},
            timeout_s=config.timeout_s,
            fail=config.fail,
        )
        return SlackOutput(
            status=delivered.status, truncated=truncated, rendered=delivered.rendered, error=delivered.error
        )
