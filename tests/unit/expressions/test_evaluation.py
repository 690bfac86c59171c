"""Values of operators, literals and paths, by the rules of the CEL specification and the one departure (doubles)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tradeloom.errors import ExpressionError, NodeError
from tradeloom.expressions import compile_expression, evaluate, parse

NAMES: dict[str, Any] = {
    "nodes": {
        "rsi": {"value": 27.5, "previous": 31, "signal": "oversold"},
        "bars": {"bars": [{"close": 1.1}, {"close": 1.2}], "last": {"close": 1.2}},
    },
    "input": {"text": "abc", "yes": True, "none": None, "list": [1, 2, 3], "odd key": 1, "empty": {}},
}


def value_of(source: str, names: Mapping[str, Any] = NAMES) -> Any:
    return evaluate(parse(source), names)


def error_of(source: str, names: Mapping[str, Any] = NAMES) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(source), names)
    return caught.value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2", 3),
        ("1 / 2", 0.5),
        ("7 / 7", 1),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("5.5 % 2", 1.5),
        ("-5.5 % 2", -1.5),
        ("5.5 % -2", 1.5),
        ("-(-3)", 3),
        ("2 * 3 - 4", 2),
        ("'a' + 'b'", "ab"),
        ("[1] + ['a']", [1, "a"]),
        ("[] + []", []),
        ("1 < 1.5", True),
        ("2 >= 2.0", True),
        ("'a' < 'b'", True),
        ("'B' < 'a'", True),
        ("'a' < 'aa'", True),
        ("'\\uffff' < '\\U00010000'", True),  # by code point, not by UTF-16 unit
        ("false < true", True),
        ("true <= false", False),
        ("input.yes ? 'y' : 1 / 0", "y"),
        ("false ? 1 / 0 : 'n'", "n"),
        ("!false", True),
        ("null", None),
        ("{'a': {'b': [1, {'c': 2}]}}", {"a": {"b": [1, {"c": 2}]}}),
        ("{'a' + 'b': 1}.ab", 1),
        ("[10, 20, 30][2]", 30),
        ("[10, 20][4 / 4]", 20),
        ("{'a': 1}['a']", 1),
        ("nodes.rsi.value < 30 && nodes.bars.last.close > 1", True),
        ("nodes['rsi'].value", 27.5),
        ("nodes.bars.bars[1].close", 1.2),
        ("input['odd key']", 1),
        ("input.list[size(input.list) - 1]", 3),
    ],
)
def test_values(source, value):
    result = value_of(source)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 == 1.0", True),
        ("1 == '1'", False),
        ("1 == true", False),
        ("0 == false", False),
        ("null == false", False),
        ("null == null", True),
        ("0.0 == -0.0", True),
        ("[1, 2] == [1, 2]", True),
        ("[1, 2] == [2, 1]", False),
        ("[1] == [true]", False),
        ("[1] == [1, 1]", False),
        ("[] == {}", False),
        ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", True),
        ("{'a': 1} == {'a': true}", False),
        ("{'a': 1} == {'b': 1}", False),
        ("{'a': 1} == {'a': 1, 'b': 2}", False),
        ("{'a': [{'b': null}]} == {'a': [{'b': null}]}", True),
        ("'é' == 'e\\u0301'", False),  # no normalisation, as CEL says
        ("input == input", True),
        ("input.list == [1, 2, 3]", True),
        ("1 in [1, 2]", True),
        ("'1' in [1, 2]", False),
        ("true in [1]", False),
        ("[1] in [[1], [2]]", True),
        ("1 in []", False),
        ("'a' in {'a': null}", True),
        ("'b' in {'a': null}", False),
        ("1 in {'a': null}", False),
        ("'rsi' in nodes", True),
    ],
)
def test_equality_and_membership(source, value):
    assert value_of(source) is value
    if "==" in source:
        assert value_of(source.replace("==", "!=")) is not value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 < 'a'", "cannot compare a number with a string"),
        ("1 < true", "cannot compare"),
        ("null < 1", "cannot compare null with a number"),
        ("null < null", "cannot compare"),
        ("[1] < [2]", "cannot compare"),
        ("1 + 'a'", "cannot add"),
        ("1 + true", "cannot add"),
        ("'a' - 'b'", "cannot subtract"),
        ("'a' * 2", "takes two numbers"),
        ("null / 1", "takes two numbers"),
        ("true % 2", "takes two numbers"),
        ("-'a'", "takes a number"),
        ("-true", "takes a number"),
        ("!1", "must be true or false"),
        ("1 ? 2 : 3", "must be true or false"),
        ("null ? 2 : 3", "must be true or false"),
        ("1 in 2", "looks into a list or a map"),
        ("'a' in 'abc'", "looks into a list or a map"),
        ("{1: 2}", "keys of a map are strings"),
        ("{'a': 1, 'a': 2}", "same key twice"),
        ("1 / 0", "Division by zero"),
        ("1 % 0", "Division by zero"),
        ("0 / 0", "Division by zero"),
        ("1e308 * 10", "too large"),
        ("1e308 + 1e308", "too large"),
        ("-1e308 - 1e308", "too large"),
        ("1 / 5e-324", "too large"),
        ("[1][1]", "1 elements; there is none at 1"),
        ("[1][-1]", "there is none at -1"),
        ("[1][0.5]", "whole number"),
        ("[1][1e300]", "there is none"),
        ("[1]['0']", 'no field "0" in a list'),
        ("[1][true]", "is a number, not a bool"),
        ("{'a': 1}[0]", "is a string, not a number"),
        ("{'a': 1}['a' + 'b']", 'no key "ab"'),
        ("5[0]", "Only lists and maps"),
        ("'abc'[0]", "Only lists and maps"),
        ("nodes.nosuch", 'no field "nosuch"'),
        ("nodes.nosuch.value", 'no field "nosuch"'),
        ("nodes.rsi.value.x", 'no field "x" in a number'),
        ("input.none.x", 'no field "x" in null'),
        ("input.list.x", 'no field "x" in a list'),
        ("input.text.x", 'no field "x" in a string'),
        ("nosuch", 'no "nosuch" here'),
        ("nosuch.value", 'no "nosuch" here'),
    ],
)
def test_errors(source, message):
    assert message in error_of(source).message


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("1 + 2 / 0", 6),
        ("nodes.rsi.valu", 10),
        ("nodes.r.value", 6),
        ("[1, 2][5]", 6),
        ("1 + nosuch", 4),
        ("abs('x')", 0),
    ],
)
def test_errors_point_at_the_culprit(source, position):
    assert error_of(source).position == position


class Foreign:
    """An object with an attribute, which no expression may reach."""

    secret = 1

    def __eq__(self, other: object) -> bool:
        raise AssertionError("touched")

    def __hash__(self) -> int:
        raise AssertionError("touched")

    def __len__(self) -> int:
        raise AssertionError("touched")


FOREIGN = [Foreign(), Foreign, (1, 2), {1, 2}, b"bytes", 1j, object(), len, range(3)]


@pytest.mark.parametrize(
    "source",
    ["x", "x.secret", "x == x", "x + 1", "x < 1", "[x]", "{'a': x}", "size(x)", "l[0]", "l", "l.map(e, e)", "x ? 1 : 2",
     "x in l", "1 in l", "l == [1]", "m.x", "m", "m == m", "string(x)", "x.size()", "has(x.secret)", "has(m.x.secret)",
     "!x", "x && true", "min(x)", "sum(l)", "l.all(e, e)", "x.map(e, e)", "cross_above(x, x)",
     "[m].map(e, e.x)", "[m].filter(e, has(e.x.secret))"],
)  # fmt: skip
def test_only_json_is_ever_touched(source):
    for foreign in FOREIGN:
        error_of(source, {"x": foreign, "l": [foreign], "m": {"x": foreign}})


NO_DOUBLES = [float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)]


@pytest.mark.parametrize(
    "source",
    ["x", "x + 1", "x > 1", "x == x", "[x]", "l", "l[0] > 1", "l == l", "1 in l", "min(l)", "max(x, 1)", "sum(l)",
     "string(x)", "l.exists(e, e > 1)", "-x", "round(x)", "cross_above(l + l, 1)", "m.x"],
)  # fmt: skip
def test_numbers_that_are_no_doubles_are_errors(source):
    for number in NO_DOUBLES:
        message = error_of(source, {"x": number, "l": [number], "m": {"x": number}}).message
        assert "NaN or infinite" in message or "too large" in message


def test_large_integers_pass_unharmed():
    ticket = 2**63 - 25
    assert value_of("t", {"t": ticket}) == ticket
    assert value_of("[t][0] == t", {"t": ticket}) is True
    assert value_of("t == u", {"t": ticket, "u": ticket + 1}) is False
    assert value_of("t + 0", {"t": ticket}) == float(ticket)


def test_results_are_plain_json_of_their_own():
    result = value_of("input.list")
    assert result == [1, 2, 3]
    assert result is not NAMES["input"]["list"]
    assert all(type(item) is int for item in result)
    assert str(value_of("[0.0, -0.0, 3.0, 1e15, 0.5, 1e300]")) == "[0, 0, 3, 1000000000000000, 0.5, 1e+300]"


def test_keys_that_are_not_strings_are_no_json():
    assert "not JSON" in error_of("m", {"m": {1: 2}}).message
    assert "not strings" in error_of("m.map(k, k)", {"m": {1: 2}}).message


class Fickle(Mapping[str, Any]):
    """Says that it has a key, and has none."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(["x"])

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "source", ["m.x", "m['x']", "[m].map(e, e.x)", "has(m.x.y)", "m['x' + '']", "m == m", "m", "[m]"]
)
def test_a_mapping_that_contradicts_itself_is_an_error(source):
    message = error_of(source, {"m": Fickle()}).message
    assert 'There is no field "x"' in message or 'There is no key "x"' in message


class Nodes(Mapping[str, Any]):
    """Outputs that fill themselves when asked; `skipped` did not run."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        if key == "skipped":
            raise NodeError("skipped did not run", node="skipped")
        return {"ran": {"value": 1, "deep": {"x": 1}}}[key]

    def __contains__(self, key: object) -> bool:
        return key == "ran"

    def __iter__(self) -> Iterator[str]:
        return iter(["ran"])

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("nodes.ran.value", 1),
        ("has(nodes.ran)", True),
        ("has(nodes.ran.value)", True),
        ("has(nodes.ran.nosuch)", False),
        ("has(nodes.ran.deep.x)", True),
        ("has(nodes.ran.nosuch.x)", False),
        ("has(nodes.skipped)", False),
        ("has(nodes.skipped.value)", False),
        ("has(nodes.skipped.value.deeper)", False),
        ("has(nodes['skipped'].value)", False),
        ("has(nosuch.value)", False),
        ("has(nodes.skipped.value) ? nodes.skipped.value : 7", 7),
        ("has(nodes.skipped.value) && nodes.skipped.value > 1", False),
        ("nodes.skipped.value > 1 && false", False),
        ("nodes.skipped.value > 1 || nodes.ran.value == 1", True),
        ("[1].exists(x, nodes.skipped.value > x) || true", True),
        ("nodes == {'ran': {'value': 1, 'deep': {'x': 1}}}", True),
        ("nodes.map(k, k)", ["ran"]),
        ("nodes", {"ran": {"value": 1, "deep": {"x": 1}}}),
    ],
)
def test_mappings_that_fill_themselves(source, value):
    assert value_of(source, {"nodes": Nodes()}) == value


@pytest.mark.parametrize(
    "source",
    ["nodes.skipped", "nodes.skipped.value", "nodes['skip' + 'ped']", "nodes.skipped.value > 1 && true",
     "nodes.skipped.value > 1 || false", "[nodes.skipped]", "nodes.skipped == 1", "[1].map(x, nodes.skipped)"],
)  # fmt: skip
def test_a_node_that_did_not_run_is_its_own_error(source):
    with pytest.raises(NodeError) as caught:
        evaluate(parse(source), {"nodes": Nodes()})
    assert caught.value.node == "skipped"


def test_has_does_not_read_what_is_not_there():
    nodes = Nodes()
    assert value_of("has(nodes.skipped.value)", {"nodes": nodes}) is False
    assert nodes.asked == []


def test_roots_may_fill_themselves_too():
    assert value_of("ran.value", Nodes()) == 1
    with pytest.raises(NodeError):
        value_of("skipped.value", Nodes())


@pytest.mark.parametrize(
    "source", ["has(input.text.x)", "has(input.list.x)", "has(input.none.x)", "has(input.yes.x.y)", "has((1).x)"]
)
def test_has_asks_only_what_has_fields(source):
    assert "has looks for a field" in error_of(source).message


def test_has_takes_null_for_present():
    assert value_of("has(input.none)") is True
    assert value_of("has({'a': null}.a)") is True
    assert value_of("has({'a': 1}.b)") is False


def test_compiling_is_evaluating():
    predicate = compile_expression(parse("n > 2"))
    assert [predicate({"n": n}) for n in (1, 2, 3)] == [False, False, True]
