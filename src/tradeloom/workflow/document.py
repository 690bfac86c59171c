"""The workflow document: what the canvas saves, versioned by the hash of its content."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tradeloom.workflow.time_zones import iana

ID_PATTERN = r"^[a-z_][a-z0-9_]{0,23}$"
MAX_NODES = 300
MAX_CONNECTIONS = 1_500
MAX_CONFIG_BYTES = 32 * 1024
MAX_DOCUMENT_BYTES = 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CanvasPosition(_Part):
    x: float = 0.0
    y: float = 0.0


class RetryPolicy(_Part):
    """How a failed node is tried again; only errors whose class says so are retried."""

    max_attempts: int = Field(default=2, ge=0, le=10, title="Retries", description="Tries after the first.")
    interval_s: int = Field(default=1, ge=1, le=300, title="First pause", description="Seconds before the first retry.")
    backoff_rate: float = Field(default=2.0, ge=1.0, le=10.0, description="Each pause is this times the one before.")


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


class Settings(_Part):
    time_zone: str = "UTC"
    execution_type: Literal["auto", "express", "standard"] = "auto"
    broker_account: str = Field(default="paper", min_length=1, max_length=64)
    timeout_s: int = Field(default=60, ge=1, le=365 * 86_400)

    @field_validator("time_zone")
    @classmethod
    def _is_iana(cls, value: str) -> str:
        return iana(value)


class Workflow(_Part):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=2_000)
    nodes: list[Node] = Field(default_factory=list)
    connections: list[Connection] = Field(default_factory=list)
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
