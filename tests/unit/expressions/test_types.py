"""Types by themselves: unions, what may stand where, and reading them from JSON Schema."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from tradeloom.expressions import (
    BOOL,
    DURATION,
    DYN,
    NEVER,
    NULL,
    NUMBER,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    StringType,
    UnionType,
    assignable,
    type_from_json_schema,
    union,
)

A = StringType(("a",))
AB = StringType(("a", "b"))
POINT = ObjectType({"x": NUMBER, "y": NUMBER})


@pytest.mark.parametrize(
    ("members", "result"),
    [
        ([], NEVER),
        ([NUMBER], NUMBER),
        ([NUMBER, NUMBER], NUMBER),
        ([NUMBER, NULL], UnionType((NUMBER, NULL))),
        ([NUMBER, UnionType((NULL, BOOL)), NUMBER], UnionType((NUMBER, NULL, BOOL))),
        ([A, StringType(("b",))], AB),
        ([A, STRING], STRING),
        ([NUMBER, DYN], DYN),
        ([ListType(NUMBER), ListType(NUMBER)], ListType(NUMBER)),
        ([NEVER, NUMBER], NUMBER),
        ([POINT, ObjectType({"x": NUMBER, "y": NUMBER})], POINT),
    ],
)
def test_union(members, result):
    assert union(members) == result


def test_unions_dissolve_in_unions():
    assert UnionType((NUMBER, UnionType((NULL, UnionType((BOOL,)))))) == UnionType((NUMBER, NULL, BOOL))


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (NUMBER, "number"),
        (UnionType((NUMBER, NULL)), "number or null"),
        (AB, 'string ("a", "b")'),
        (StringType(tuple("abcdefgh")), 'string ("a", "b", "c", "d", "e", "f", …)'),
        (UnionType((ListType(NUMBER), ListType(STRING))), "list"),
        (NEVER, "nothing"),
        (DYN, "anything"),
    ],
)
def test_types_are_named_briefly(type_, text):
    assert str(type_) == text


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        (NUMBER, NUMBER, True),
        (NUMBER, STRING, False),
        (NUMBER, BOOL, False),
        (BOOL, NUMBER, False),
        (NULL, NUMBER, False),
        (NULL, UnionType((NUMBER, NULL)), True),
        (UnionType((NUMBER, NULL)), NUMBER, False),
        (UnionType((NUMBER, NULL)), UnionType((STRING, NULL, NUMBER)), True),
        (DYN, NUMBER, True),
        (NUMBER, DYN, True),
        (ListType(DYN), ListType(NUMBER), True),
        (A, STRING, True),
        (STRING, AB, True),  # its value will tell
        (A, AB, True),
        (AB, A, False),
        (StringType(("c",)), AB, False),
        (TIMESTAMP, STRING, True),
        (DURATION, STRING, True),
        (TIMESTAMP, NUMBER, False),
        (ListType(TIMESTAMP), ListType(STRING), True),
        (ListType(NUMBER), ListType(NUMBER), True),
        (ListType(NUMBER), ListType(STRING), False),
        (ListType(NEVER), ListType(STRING), True),
        (NUMBER, ListType(NUMBER), False),
        (MapType(NUMBER), MapType(NUMBER), True),
        (MapType(NUMBER), MapType(STRING), False),
        (POINT, MapType(NUMBER), True),
        (POINT, MapType(STRING), False),
        (ObjectType({"x": NUMBER}, extra=STRING), MapType(NUMBER), False),
        (MapType(NUMBER), POINT, False),
        (MapType(NUMBER), ObjectType({"x": NUMBER}, optional=frozenset({"x"})), True),
        (MapType(STRING), ObjectType({"x": NUMBER}, optional=frozenset({"x"})), False),
        (POINT, ObjectType({"x": NUMBER}), True),
        (ObjectType({"x": NUMBER}), POINT, False),
        (ObjectType({"x": NUMBER}), ObjectType({"x": NUMBER, "y": NUMBER}, optional=frozenset({"y"})), True),
        (ObjectType({"x": NUMBER}, optional=frozenset({"x"})), ObjectType({"x": NUMBER}), False),
        (ObjectType({"x": STRING, "y": NUMBER}), POINT, False),
        (NEVER, NUMBER, True),
    ],
)
def test_assignable(source, target, fits):
    assert assignable(source, target) is fits


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Stop(BaseModel):
    price: float
    kind: Literal["price", "distance"] = "price"


class Output(BaseModel):
    ticket: int
    price: Decimal
    side: Side
    stop: Stop | None
    history: list[Stop]
    at: datetime
    tags: dict[str, int]
    corner: tuple[int, str]
    note: str = ""
    free: Any = None
    fixed: Literal[1] = 1
    mixed: int | str | None = None
    limits: dict[str, Any] = Field(default_factory=dict)


class Tree(BaseModel):
    value: float
    children: list["Tree"]


def test_schemas_of_pydantic_models():
    type_ = type_from_json_schema(Output.model_json_schema(mode="serialization"))
    stop = ObjectType({"price": NUMBER, "kind": StringType(("distance", "price"))}, optional=frozenset())
    assert isinstance(type_, ObjectType)
    fields = dict(type_.fields)
    assert fields["stop"] in (
        UnionType((stop, NULL)),
        UnionType((ObjectType(stop.fields, optional=frozenset({"kind"})), NULL)),
    )
    del fields["stop"], fields["history"]
    assert fields == {
        "ticket": NUMBER,
        "price": STRING,
        "side": StringType(("buy", "sell")),
        "at": STRING,
        "tags": MapType(NUMBER),
        "corner": ListType(union((NUMBER, STRING))),
        "note": STRING,
        "free": DYN,
        "fixed": NUMBER,
        "mixed": UnionType((NUMBER, NULL, STRING)),
        "limits": MapType(DYN),
    }
    assert "ticket" not in type_.optional


def test_fields_with_defaults_may_be_missing_from_input():
    type_ = type_from_json_schema(Stop.model_json_schema())
    assert type_ == ObjectType(
        {"price": NUMBER, "kind": StringType(("distance", "price"))}, optional=frozenset({"kind"})
    )


def test_a_schema_that_refers_to_itself_is_unknown_there():
    type_ = type_from_json_schema(Tree.model_json_schema())
    assert type_ == ObjectType({"value": NUMBER, "children": ListType(DYN)})


def test_extra_fields():
    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")
        x: int

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        x: int

    assert type_from_json_schema(Closed.model_json_schema()) == ObjectType({"x": NUMBER})
    assert type_from_json_schema(Open.model_json_schema()) == ObjectType({"x": NUMBER}, extra=DYN)


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        (True, DYN),
        ({}, DYN),
        ({"type": "string", "format": "date-time"}, STRING),
        ({"type": ["number", "null"]}, UnionType((NUMBER, NULL))),
        ({"enum": ["a", "b", None, 1, True]}, UnionType((NULL, NUMBER, BOOL, AB))),
        ({"const": "a"}, A),
        ({"enum": [[1]]}, DYN),
        ({"oneOf": [{"type": "number"}, {"type": "string"}]}, UnionType((NUMBER, STRING))),
        ({"type": "array"}, ListType(DYN)),
        ({"type": "array", "items": {"type": "boolean"}}, ListType(BOOL)),
        ({"type": "array", "prefixItems": [{"type": "number"}], "items": False}, ListType(NUMBER)),
        (
            {"type": "array", "prefixItems": [{"type": "number"}], "items": {"type": "null"}},
            ListType(union((NUMBER, NULL))),
        ),
        ({"type": "object"}, MapType(DYN)),
        ({"type": "object", "additionalProperties": False}, ObjectType({})),
        ({"type": "object", "additionalProperties": {"type": "number"}}, MapType(NUMBER)),
        ({"properties": {"a": {"type": "number"}}, "required": ["a"]}, ObjectType({"a": NUMBER})),
        ({"allOf": [{"type": "number"}]}, NUMBER),
        ({"allOf": [{"type": "number"}, {"minimum": 1}]}, DYN),
        (
            {
                "allOf": [{"$ref": "#/$defs/Base"}],
                "properties": {"b": {"type": "string"}},
                "$defs": {"Base": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}},
            },
            ObjectType({"a": NUMBER, "b": STRING}, optional=frozenset({"b"})),
        ),
        ({"$ref": "#/$defs/Missing"}, DYN),
        ({"$ref": "#/definitions/Old", "definitions": {"Old": {"type": "number"}}}, NUMBER),
        ({"type": "unheard-of"}, DYN),
    ],
)
def test_schemas(schema, type_):
    assert type_from_json_schema(schema) == type_
