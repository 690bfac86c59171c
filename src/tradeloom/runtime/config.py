"""A node's configuration with its expressions replaced by values, validated by its model."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tradeloom.errors import ExpressionError, NodeConfigError, TradeloomError
from tradeloom.expressions import (
    Expression,
    Template,
    evaluate,
    expression_source,
    is_expression,
    parse,
    parse_template,
    render,
    unescape,
)
from tradeloom.nodes.base import Node, NodeConfig
from tradeloom.nodes.references import Path, leaves, required_inputs


@dataclass(frozen=True)
class Recipe:
    """A configuration made ready once: what stays as drawn, and which places take a value when the node runs."""

    node_type: type[Node]
    raw: Mapping[str, Any]
    steps: tuple[tuple[Path, Expression | Template | str], ...]

    def resolve(self, names: Mapping[str, Any], now: datetime) -> NodeConfig:
        """The validated configuration. Raises the expression's own error or `NodeConfigError`, naming the field."""
        values = dict(self.raw)
        for path, step in self.steps:
            _put(values, path, _value(path, step, names, now))
        try:
            return self.node_type.Config.model_validate(values)
        except ValidationError as error:
            raise config_error(error) from error


def prepare(node_type: type[Node], raw: Mapping[str, Any]) -> Recipe:
    """Parse a configuration's expressions. Raises `ExpressionError` naming the field of one that cannot be."""
    steps: list[tuple[Path, Expression | Template | str]] = []
    for leaf in leaves(node_type, raw):
        if isinstance(leaf.value, str) and not leaf.static:
            try:
                parsed = _parsed(leaf.value)
            except ExpressionError as error:
                error.field = error.field or leaf.field
                raise
            if parsed is not None:
                steps.append((leaf.path, parsed))
    steps += [((name,), parse(f"input.{name}")) for name in required_inputs(node_type, raw)]
    return Recipe(node_type, raw, tuple(steps))


def config_error(error: ValidationError) -> NodeConfigError:
    """All of pydantic's findings in one sentence; `field` is the first's."""
    found = error.errors(include_url=False)
    told = [f"{'.'.join(map(str, each['loc'])) or 'configuration'}: {each['msg']}" for each in found]
    return NodeConfigError("; ".join(told), field=".".join(["config", *map(str, found[0]["loc"])]))


def _parsed(text: str) -> Expression | Template | str | None:
    if is_expression(text):
        return parse(expression_source(text))
    if "{{" in text:
        return parse_template(text)
    unescaped = unescape(text)
    return unescaped if unescaped != text else None


def _value(path: Path, step: Expression | Template | str, names: Mapping[str, Any], now: datetime) -> Any:
    try:
        if isinstance(step, str):
            return step
        if isinstance(step, Expression):
            return evaluate(step, names, now=now)
        return render(step, names, now=now)
    except TradeloomError as error:
        error.field = error.field or ".".join(["config", *map(str, path)])
        raise


def _put(values: Any, path: Path, value: Any) -> None:
    """Set one place; what holds it is copied on the way there, so that the drawn configuration stays as it is."""
    for step in path[:-1]:
        values[step] = copy.copy(values[step])
        values = values[step]
    values[path[-1]] = value
