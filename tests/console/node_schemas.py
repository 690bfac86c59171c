"""Every node type's configuration schema, as the console's tests of its form read it: `python -m
tests.console.node_schemas` writes it anew."""

import json
from pathlib import Path

from tradeloom.nodes.catalogue import describe
from tradeloom.nodes.registry import node_types

PLACE = Path(__file__).parents[2] / "web/src/forms/node-schemas.json"
_WORDS = frozenset({"description", "examples"})


def schemas_text() -> str:
    """A line a type: help and examples are left out, titles stay."""
    lines = []
    for name in node_types():
        told = describe(name)
        line = {"config_schema": _bare(told["config_schema"]), "example": told["example"]["config"]}
        lines.append(f"{json.dumps(name)}: {json.dumps(line, ensure_ascii=False, sort_keys=True)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _bare(part: object) -> object:
    if isinstance(part, dict):
        return {
            key: _bare(each)
            for key, each in part.items()
            if not (key in _WORDS and (isinstance(each, str | list) or each is None))
        }
    return [_bare(each) for each in part] if isinstance(part, list) else part


if __name__ == "__main__":
    PLACE.write_text(schemas_text())
