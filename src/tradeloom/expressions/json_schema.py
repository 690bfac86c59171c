"""JSON Schema, as pydantic writes it, to static types."""

from collections.abc import Mapping
from typing import Any

from tradeloom.expressions.types import (
    BOOL,
    DYN,
    NULL,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    union,
)

_PRIMITIVES = {"number": NUMBER, "integer": NUMBER, "boolean": BOOL, "null": NULL, "string": STRING}


def type_from_json_schema(schema: Mapping[str, Any] | bool) -> Type:
    """The type of the schema's values; `DYN` for what it leaves open, and where it refers to itself.

    A `date-time` is a string, for that is what its values are; `timestamp(text)` makes a point in time of it. An object
    with `properties` has those fields only, unless `additionalProperties` says otherwise; fields not `required` are
    optional. Bounds, patterns and formats do not show in the type.
    """
    definitions = {} if isinstance(schema, bool) else {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return _Reader(definitions).read(schema)


class _Reader:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions
        self.resolved: dict[str, Type] = {}
        self.resolving: set[str] = set()

    def read(self, schema: Mapping[str, Any] | bool) -> Type:
        if isinstance(schema, bool):
            return DYN
        if "$ref" in schema:
            return self.referred(str(schema["$ref"]))
        if "const" in schema:
            return _type_of_values([schema["const"]])
        if "enum" in schema:
            return _type_of_values(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return union([self.read(option) for option in schema[key]])
        if "allOf" in schema:
            return self.all_of(schema)
        kind = schema.get("type")
        if isinstance(kind, list):
            return union([self.read({**schema, "type": one}) for one in kind])
        if kind == "array":
            return ListType(self.items(schema))
        if kind == "object" or (kind is None and "properties" in schema):
            return self.object(schema)
        return _PRIMITIVES.get(str(kind), DYN)

    def referred(self, reference: str) -> Type:
        name = reference.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        if name not in self.resolved:
            if name in self.resolving or name not in self.definitions:
                return DYN
            self.resolving.add(name)
            self.resolved[name] = self.read(self.definitions[name])
            self.resolving.discard(name)
        return self.resolved[name]

    def all_of(self, schema: Mapping[str, Any]) -> Type:
        """Objects are merged; anything else counts only when it stands alone."""
        siblings = {key: value for key, value in schema.items() if key in ("type", "properties", "required")}
        parts = [self.read(part) for part in schema["allOf"]]
        if siblings.get("properties"):
            parts.append(self.object(siblings))
        objects = [part for part in parts if isinstance(part, ObjectType)]
        if not objects or len(objects) < len(parts):
            return parts[0] if len(parts) == 1 else DYN
        required = {name for part in objects for name in set(part.fields) - part.optional}
        fields = {name: type_ for part in objects for name, type_ in part.fields.items()}
        extras = [part.extra for part in objects if part.extra]
        return ObjectType(fields, frozenset(fields) - required, union(extras) if extras else None)

    def items(self, schema: Mapping[str, Any]) -> Type:
        parts = [self.read(part) for part in schema.get("prefixItems", [])]
        items = schema.get("items", not parts)
        if items is not False:
            parts.append(self.read(items))
        return union(parts)

    def object(self, schema: Mapping[str, Any]) -> Type:
        properties = schema.get("properties") or {}
        additional = schema.get("additionalProperties", not properties)
        extra = None if additional is False else self.read(additional)
        if not properties:
            return ObjectType({}) if extra is None else MapType(extra)
        fields = {name: self.read(part) for name, part in properties.items()}
        return ObjectType(fields, frozenset(fields) - set(schema.get("required", [])), extra)


def _type_of_values(values: list[Any]) -> Type:
    return union([_type_of_value(value) for value in values])


def _type_of_value(value: Any) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int() | float():
            return NUMBER
        case str():
            return StringType((value,))
        case _:
            return DYN
