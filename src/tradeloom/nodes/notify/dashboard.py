"""notify.dashboard: a message in the console."""

from typing import Literal

from pydantic import Field

from tradeloom.errors import ExecutionStopped, StorageUnavailable
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting

MAX_TITLE = 200
MAX_MESSAGE = 4_000


class DashboardConfig(NodeConfig):
    title: str = setting(
        title="Title",
        help=f"One line. Longer than {MAX_TITLE} characters it is cut.",
        widget="text",
        examples=["{{ nodes.bars.last.close }} on EURUSD"],
        pattern=r"\S",
        coerce_numbers_to_str=True,
    )
    message: str = setting(
        "",
        title="Message",
        help=f"The text below the title; {{{{ }}}} puts values in. Longer than {MAX_MESSAGE:,} characters it is cut.",
        widget="text",
        examples=["RSI {{ round(nodes.rsi.value, 1) }}, bought {{ nodes.buy.volume }} lots"],
        coerce_numbers_to_str=True,
    )
    type: Literal["info", "success", "warning", "error"] = setting(
        "info", title="Type", help="How it is shown: its colour and icon.", widget="select"
    )


class DashboardOutput(NodeOutput):
    id: str = Field(description="The notification's id; the same when the node is run again in the same place.")
    truncated: bool = Field(description="Whether title or message had to be cut.")


class Dashboard(Node):
    type = "notify.dashboard"
    title = "Dashboard"
    description = "Shows a message in the console, live."
    help = (
        "Puts a message into the console's notifications, where it appears at once and stays. Values go in between "
        "double braces: `RSI {{ nodes.rsi.value }}`.\n\n"
        "If the node is tried again after a failure, the message is still shown once. A text that grew too long is cut "
        "rather than lost."
    )
    icon = "bell"
    tier = Tier.BASIC
    effects = frozenset({Effect.WRITES})
    errors = (ExecutionStopped, StorageUnavailable)
    example = Example(
        title="Say what the RSI did",
        config={"title": "RSI oversold", "message": "RSI is {{ nodes.rsi.value }}", "type": "warning"},
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = DashboardConfig
    Output = DashboardOutput

    def run(self, config: DashboardConfig, context: NodeContext) -> DashboardOutput:
        line = " ".join(config.title.split())
        title, message = _cut(line, MAX_TITLE), _cut(config.message.strip(), MAX_MESSAGE)
        truncated = (title, message) != (line, config.message.strip())
        context.before_acting()
        notification = context.notify(config.type, title, message)
        if truncated:
            context.log("The notification was too long and has been cut.", level="warning", notification=notification)
        return DashboardOutput(id=notification, truncated=truncated)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
