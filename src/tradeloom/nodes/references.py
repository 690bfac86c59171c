"""The expressions inside a node's configuration: found by walking it beside its JSON Schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tradeloom.errors import ExpressionError
from tradeloom.expressions import (
    Expression,
    Template,
    expression_source,
    is_expression,
    names_in,
    parse,
    parse_template,
)
from tradeloom.nodes.base import Node

Path = tuple[str | int, ...]
JsonSchema = Mapping[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A value in a configuration that holds nothing else, with every schema that could describe it."""

    path: Path
    value: Any
    schemas: tuple[JsonSchema, ...]

    @property
    def field(self) -> str:
        return ".".join(["config", *map(str, self.path)])

    @property
    def static(self) -> bool:
        """Takes no expression: the value is needed before the workflow runs, or is itself the text of one."""
        return any(schema.get("static") for schema in self.schemas)

    @property
    def own_names(self) -> tuple[str, ...] | None:
        """For a field that holds an expression's bare text: the names the node adds to its scope."""
        for schema in self.schemas:
            if "names" in schema:
                return tuple(schema["names"])
        return None


@dataclass(frozen=True)
class FieldExpression:
    """An expression in a field. `whole` is the field's value; otherwise it is interpolated into a text."""

    leaf: Leaf
    expression: Expression
    whole: bool


@dataclass(frozen=True)
class BrokenExpression:
    leaf: Leaf
    error: ExpressionError


@cache
def config_schema(node_type: type[Node]) -> JsonSchema:
    return node_type.Config.model_json_schema(by_alias=True)


def required_inputs(node_type: type[Node], config: Mapping[str, Any]) -> list[str]:
    """Required input fields that are left unset, so that they take `input.<field>`."""
    return [
        name
        for name, info in node_type.Config.model_fields.items()
        if info.is_required()
        and isinstance(info.json_schema_extra, dict)
        and info.json_schema_extra.get("input")
        and config.get(name) is None
    ]


def expressions_in(
    node_type: type[Node], config: Mapping[str, Any]
) -> tuple[list[FieldExpression], list[BrokenExpression]]:
    """Every expression of a configuration, and every text that should be one and cannot be parsed."""
    found: list[FieldExpression] = []
    broken: list[BrokenExpression] = []
    for leaf in leaves(node_type, config):
        if not isinstance(leaf.value, str) or (leaf.static and leaf.own_names is None):
            continue
        try:
            found.extend(_expressions_of(leaf))
        except ExpressionError as error:
            broken.append(BrokenExpression(leaf, error))
    return found, broken


def _expressions_of(leaf: Leaf) -> Iterator[FieldExpression]:
    text: str = leaf.value
    if leaf.own_names is not None:
        yield FieldExpression(leaf, parse(expression_source(text) if is_expression(text) else text), whole=True)
    elif is_expression(text):
        yield FieldExpression(leaf, parse(expression_source(text)), whole=True)
    elif "{{" in text:
        template: Template = parse_template(text)
        for expression in template.expressions:
            yield FieldExpression(leaf, expression, whole=False)


def named_nodes(node_type: type[Node], config: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Ids named as `nodes.<id>` or `inputs.<id>`, and the other roots named (`trigger`, `item`, …).

    A reference that is only known when it runs (`nodes[x]`) names the root alone.
    """
    ids: set[str] = set()
    roots: set[str] = {"input"} if required_inputs(node_type, config) else set()
    for found in expressions_in(node_type, config)[0]:
        for path in names_in(found.expression):
            if path[0] in {"nodes", "inputs"} and len(path) > 1:
                ids.add(path[1])
            else:
                roots.add(path[0])
    return ids, roots


def leaves(node_type: type[Node], config: Mapping[str, Any]) -> Iterator[Leaf]:
    """Every leaf of a configuration with the schemas that could describe it."""
    root = config_schema(node_type)
    definitions = root.get("$defs", {})
    yield from _walk((), config, (root,), definitions)


def _walk(path: Path, value: Any, schemas: tuple[JsonSchema, ...], definitions: JsonSchema) -> Iterator[Leaf]:
    schemas = tuple(_expand(schemas, definitions))
    if isinstance(value, Mapping):
        matching = tuple(schema for schema in schemas if _could_describe(schema, value)) or schemas
        for key, part in value.items():
            inner = _marked(_of_property(matching, str(key)), matching)
            yield from _walk((*path, str(key)), part, inner, definitions)
    elif isinstance(value, list):
        items = tuple(schema["items"] for schema in schemas if isinstance(schema.get("items"), Mapping))
        for position, part in enumerate(value):
            yield from _walk((*path, position), part, _marked(items, schemas), definitions)
    else:
        yield Leaf(path, value, schemas)


def _marked(inner: tuple[JsonSchema, ...], outer: tuple[JsonSchema, ...]) -> tuple[JsonSchema, ...]:
    """What stands inside a static value is static, whether a schema describes it or not."""
    if not any(schema.get("static") for schema in outer):
        return inner
    return tuple({**schema, "static": True} for schema in inner) or ({"static": True},)


def _expand(schemas: tuple[JsonSchema, ...], definitions: JsonSchema) -> Iterator[JsonSchema]:
    """The schemas with references and alternatives opened; a property's own marks stay on each alternative."""
    for schema in schemas:
        marks = {key: schema[key] for key in ("static", "names") if key in schema}
        if "$ref" in schema:
            target = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
            yield from _expand(({**target, **marks},), definitions)
            continue
        alternatives = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]
        if alternatives:
            yield from _expand(tuple({**part, **marks} for part in alternatives), definitions)
        else:
            yield schema


def _could_describe(schema: JsonSchema, value: Mapping[str, Any]) -> bool:
    """False where a constant of the schema (a rule's `op`, say) says the value is of another kind."""
    for name, part in schema.get("properties", {}).items():
        if "const" in part and name in value and value[name] != part["const"]:
            return False
    return True


def _of_property(schemas: tuple[JsonSchema, ...], key: str) -> tuple[JsonSchema, ...]:
    found = []
    for schema in schemas:
        properties = schema.get("properties", {})
        if key in properties:
            found.append(properties[key])
        elif isinstance(schema.get("additionalProperties"), Mapping):
            found.append(schema["additionalProperties"])
    return tuple(found)
