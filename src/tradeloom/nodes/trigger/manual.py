"""trigger.manual: somebody starts the workflow."""

from datetime import UTC
from typing import Any

from pydantic import AwareDatetime, Field

from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting


class ManualConfig(NodeConfig):
    payload: dict[str, Any] = setting(
        {},
        title="Test payload",
        help="What a run in test mode gets as its payload when it is started without one.",
        widget="code",
        static=True,
        examples=[{"symbol": "EURUSD"}],
    )


class ManualOutput(NodeOutput):
    timestamp: AwareDatetime = Field(description="The moment the execution stands at, in market time.")
    user_id: str = Field(description="Who started it.")
    payload: dict[str, Any] = Field(description="What it was started with; empty where that was nothing.")


class Manual(Node):
    type = "trigger.manual"
    title = "Manual"
    description = "Starts the workflow when you press Run, or when a program asks for it."
    help = (
        "The simplest start: the *Run* button, the command line, or a call of the API. What it is started with stands "
        "in `payload`, for example `trigger.payload.symbol`.\n\n"
        "The test payload is used in test mode only, so that a workflow that expects one can be tried without writing "
        "it each time. A workflow may have several triggers; one of them starts each execution."
    )
    icon = "mouse-pointer-click"
    tier = Tier.BASIC
    kind = Kind.TRIGGER
    example = Example(title="Started by hand for one symbol", config={"payload": {"symbol": "EURUSD"}})
    Config = ManualConfig
    Output = ManualOutput

    def run(self, config: ManualConfig, context: NodeContext) -> ManualOutput:
        payload = dict(context.payload)
        if not payload and context.test_mode:
            payload = config.payload
        return ManualOutput(timestamp=context.as_of.astimezone(UTC), user_id=context.user_id, payload=payload)
