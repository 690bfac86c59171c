"""Templates from files: `examples/templates/<id>.json`, which holds its document or names an example that is one."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tradeloom.api.models.templates import Template
from tradeloom.errors import NotFound
from tradeloom.nodes.base import Tier
from tradeloom.nodes.registry import node_types

_LEVELS: Final = ("beginner", "intermediate", "advanced")


class TemplateFiles:
    """`examples` is the folder of the example workflows. The files are read once, when they are first asked for."""

    def __init__(self, examples: Path) -> None:
        self._examples = examples

    def all(self) -> list[Template]:
        """The simplest first."""
        return list(self._templates.values())

    def get(self, template_id: str) -> Template:
        if template_id not in self._templates:
            raise NotFound(f"There is no template {template_id!r}.", hint="GET /templates lists them.")
        return self._templates[template_id]

    @cached_property
    def _templates(self) -> dict[str, Template]:
        found = [self._read(file) for file in (self._examples / "templates").glob("*.json")]
        found.sort(key=lambda template: (_LEVELS.index(template.level), template.name))
        return {template.id: template for template in found}

    def _read(self, file: Path) -> Template:
        about = json.loads(file.read_text(encoding="utf-8"))
        example = about.pop("example", None)
        if example is not None:
            about["document"] = json.loads((self._examples / f"{example}.json").read_text(encoding="utf-8"))
        document = about["document"]
        return Template(
            id=file.stem,
            name=document["name"],
            summary=document["description"],
            tier=_tier(document["nodes"]),
            **about,
        )


def _tier(nodes: list[dict[str, Any]]) -> Tier:
    types = node_types()
    return max((types[node["type"]].tier for node in nodes), key=list(Tier).index)
