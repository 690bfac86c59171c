"""The workflow document: what the canvas saves, versioned by the hash of its content."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tradeloom.workflow.time_zones import iana

ID_PATTERN = r"^[a-z_][a-z0-9_]{0,23}$"
MAX_NODES = 300
MAX_CONNECTIONS = 1_500
MAX_NOTES = 200
MAX_CONFIG_BYTES = 32 * 1024
MAX_DOCUMENT_BYTES = 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class CanvasPosition(_Part):
    x: float = 0.0
    y: float = 0.0


def _later(default: Any, **about: Any) -> Any:
    """A field that came after documents were saved: at its default it is left out of a document's text, so that a
    document which says nothing of it keeps its version."""
    return Field(default=default, exclude_if=lambda value: value == default, **about)


class RetryPolicy(_Part):
    """How a failed node is tried again; only errors whose class says so are retried."""

    max_attempts: int = Field(default=2, ge=0, le=10, title="Retries", description="Tries after the first.")
    interval_s: int = Field(default=1, ge=1, le=300, title="First pause", description="Seconds before the first retry.")
    backoff_rate: float = Field(default=2.0, ge=1.0, le=10.0, description="Each pause is this times the one before.")
    max_interval_s: int = _later(
        300, ge=1, le=900, title="Longest pause", description="No pause is longer, in seconds."
    )
    jitter: bool = _later(
        default=True,
        description="Whether a pause is a random part of its length, so that many that failed at once do not come back "
        "at once.",
    )
    errors: list[str] | None = _later(
        None,
        max_length=20,
        title="Only these errors",
        description="Names of the errors to try again after; all that are worth it when left out.",
    )


class Node(_Part):
    """A node on the canvas. `config` stays as drawn: expressions are evaluated when the node runs."""

    id: str = Field(pattern=ID_PATTERN)
    type: str = Field(max_length=80)
    name: str = Field(default="", max_length=120)
    position: CanvasPosition = CanvasPosition()
    parent: str | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    on_error: Literal["stop", "continue", "route"] = "stop"
    join: Literal["any", "all", "settled"] | None = None
    disabled: bool = False
    notes: str = Field(default="", max_length=10_000)
    retry: RetryPolicy = RetryPolicy()
    timeout_s: int | None = Field(default=None, ge=1, le=900)

    @property
    def label(self) -> str:
        return self.name or self.id


class Connection(_Part):
    source: str
    source_port: str = "main"
    target: str
    target_port: str = "main"


Tint = Literal["yellow", "blue", "green", "red", "violet", "grey"]


class Note(_Part):
    """Words on the canvas. They do nothing."""

    id: str = Field(pattern=ID_PATTERN)
    text: str = Field(default="", max_length=10_000)
    position: CanvasPosition = CanvasPosition()
    width: float = Field(default=240, ge=40, le=4_000)
    height: float = Field(default=120, ge=40, le=4_000)
    tint: Tint = "yellow"


class Group(_Part):
    """A named frame around nodes on the canvas. It does nothing; a node it names that is not there is left out."""

    id: str = Field(pattern=ID_PATTERN)
    name: str = Field(default="", max_length=120)
    nodes: list[str] = Field(default_factory=list, max_length=MAX_NODES)
    tint: Tint = "blue"


class Settings(_Part):
    time_zone: str = "UTC"
    execution_type: Literal["auto", "express", "standard"] = "auto"
    broker_account: str = Field(default="paper", min_length=1, max_length=64)
    timeout_s: int = Field(default=60, ge=1, le=365 * 86_400)
    error_workflow: str | None = _later(
        None,
        min_length=1,
        max_length=200,
        title="Error workflow",
        description="Another workflow, by id or name, that is started when an execution of this one fails or runs out "
        "of time.",
    )
    error_workflow_on_halt: bool = _later(
        default=False, description="Whether the error workflow is also started when a halt of the account stops one."
    )
    expect_run_every_s: int | None = _later(
        None,
        ge=60,
        le=366 * 86_400,
        title="Expected at least every",
        description="Tell when the active workflow has not begun to run for so many seconds of its market's time. "
        "Runs of its schedules are expected without this.",
    )
    expect_end_within_s: int | None = _later(
        None,
        ge=1,
        le=365 * 86_400,
        title="Expected to take",
        description="Tell when an execution has not ended so many seconds after it was started. It is not stopped.",
    )

    @field_validator("time_zone")
    @classmethod
    def _is_iana(cls, value: str) -> str:
        return iana(value)


class Workflow(_Part):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=2_000)
    nodes: list[Node] = Field(default_factory=list)
    connections: list[Connection] = Field(default_factory=list)
    notes: list[Note] = _later([], max_length=MAX_NOTES)
    groups: list[Group] = _later([], max_length=MAX_NOTES)
    settings: Settings = Settings()

    def node(self, node_id: str) -> Node:
        """The node with this id; `KeyError` when there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def canonical_json(self) -> str:
        """The one text of this document: sorted keys, no spaces. Equal documents give equal texts."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def version(self) -> str:
        """sha256 of the canonical text, in hex."""
        return hashlib.sha256(self.canonical_json().encode("utf-8", "surrogatepass")).hexdigest()
