"""Which credentials a node's configuration names: every field that is shown as a choice of credentials."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from tradeloom.nodes.base import Node

WIDGET = "credential"


@cache
def credential_fields(node_type: type[Node]) -> tuple[str, ...]:
    """The names of a type's configuration fields that hold a credential's id."""
    found = []
    for name, info in node_type.Config.model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict) and extra.get("widget") == WIDGET:
            found.append(name)
    return tuple(found)


def named_credentials(node_type: type[Node], config: Mapping[str, Any]) -> dict[str, str]:
    """The ids a raw configuration names, by field."""
    found = {name: config.get(name) for name in credential_fields(node_type)}
    return {name: value for name, value in found.items() if isinstance(value, str) and value}
