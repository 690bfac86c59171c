import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import (
    AmbiguousInput,
    ExpressionError,
    MissingInput,
    NodeConfigError,
    NotANumber,
    TradeloomError,
)
from tradeloom.nodes.base import Source
from tradeloom.nodes.utility._rules import MAX_LIST
from tradeloom.nodes.utility.transform import Transform, TransformConfig

POSITIONS = [
    {"symbol": "EURUSD", "profit": 12.5, "volume": 0.5},
    {"symbol": "GBPUSD", "profit": -4.0, "volume": 0.1},
    {"symbol": "EURUSD", "profit": 2.5, "volume": 0.2},
]
BOOK = {"positions": POSITIONS, "account": {"name": "paper", "limits": {"lots": 2}}}


def transform(*rules: dict[str, Any], source: Any = BOOK) -> dict[str, Any]:
    config = TransformConfig.model_validate({"source": source, "rules": list(rules)})
    return Transform().run(config, FakeContext(names={"nodes": {"rsi": {"value": 30}}})).object


class TestSource:
    def run(self, *sources: Source) -> dict[str, Any]:
        return Transform().run(TransformConfig(), FakeContext(sources=sources)).object

    def test_the_whole_of_the_only_live_input(self) -> None:
        dead = Source("gone", "true", live=False, output=None)
        assert self.run(dead, Source("a", "main", live=True, output={"x": 1})) == {"x": 1}

    def test_none(self) -> None:
        with pytest.raises(MissingInput):
            self.run()
        with pytest.raises(MissingInput):
            transform(source=None)

    def test_several(self) -> None:
        with pytest.raises(AmbiguousInput, match="a, b"):
            self.run(*(Source(name, "main", live=True, output={}) for name in "ab"))

    @pytest.mark.parametrize("source", [5, "text", [1], True])
    def test_must_be_an_object(self, source: Any) -> None:
        with pytest.raises(NodeConfigError, match="starts from an object"):
            transform(source=source)
        with pytest.raises(NodeConfigError, match="output of 'a'"):
            self.run(Source("a", "main", live=True, output=source))


class TestSet:
    def test_makes_objects_on_the_way(self) -> None:
        made = transform({"op": "set", "path": "order.side", "value": "buy"}, source={})
        assert made == {"order": {"side": "buy"}}

    def test_replaces(self) -> None:
        made = transform({"op": "set", "path": "positions.1.profit", "value": 0})
        assert [each["profit"] for each in made["positions"]] == [12.5, 0, 2.5]

    def test_null_is_a_value(self) -> None:
        assert transform({"op": "set", "path": "a", "value": None}, source={}) == {"a": None}

    @pytest.mark.parametrize(
        ("path", "error", "message"),
        [
            ("positions.7.profit", MissingInput, "there is no `positions.7.profit` (at `positions.7`)"),
            ("positions.3", MissingInput, "the list has 3 items"),
            ("positions.first", NodeConfigError, "the next step is a position"),
            ("account.name.first", NodeConfigError, 'leads into "paper"'),
        ],
    )
    def test_what_stands_in_the_way(self, path: str, error: type[TradeloomError], message: str) -> None:
        with pytest.raises(error) as caught:
            transform({"op": "set", "path": path, "value": 1})
        assert message in caught.value.message


class TestFields:
    def test_rename(self) -> None:
        made = transform({"op": "rename", "path": "account.name", "to": "who"})
        assert made["who"] == "paper"
        assert "name" not in made["account"]

    def test_rename_deeper_into_itself(self) -> None:
        assert transform({"op": "rename", "path": "a", "to": "a.b"}, source={"a": 1}) == {"a": {"b": 1}}
        assert transform({"op": "rename", "path": "a", "to": "a"}, source={"a": 1}) == {"a": 1}

    def test_rename_onto_something(self) -> None:
        with pytest.raises(NodeConfigError, match="already is `account`"):
            transform({"op": "rename", "path": "positions", "to": "account"})

    def test_pick(self) -> None:
        made = transform({"op": "pick", "paths": ["account.limits.lots", "account.name"]})
        assert made == {"account": {"limits": {"lots": 2}, "name": "paper"}}

    def test_pick_a_whole_and_its_part(self) -> None:
        for paths in (["account", "account.name"], ["account.name", "account"]):
            assert transform({"op": "pick", "paths": paths}) == {"account": BOOK["account"]}

    def test_pick_out_of_a_list(self) -> None:
        with pytest.raises(NodeConfigError, match="pick `positions`, or use map"):
            transform({"op": "pick", "paths": ["positions.0.symbol"]})

    def test_drop(self) -> None:
        made = transform({"op": "drop", "paths": ["positions.0", "account.limits", "nowhere.at.all", "account.name.x"]})
        assert made == {"positions": POSITIONS[1:], "account": {"name": "paper"}}

    @pytest.mark.parametrize("rule", [{"op": "rename", "to": "x"}, {"op": "map", "expression": "1"}])
    def test_missing_path(self, rule: dict[str, Any]) -> None:
        with pytest.raises(MissingInput) as caught:
            transform({"op": "drop", "paths": ["positions"]}, {"path": "account.nam", **rule})
        assert caught.value.message == f"Rule 2 ({rule['op']}): there is no `account.nam`"
        assert caught.value.field == "config.rules.1"
        assert str(caught.value) == caught.value.message


class TestMapAndFilter:
    def test_map(self) -> None:
        made = transform({"op": "map", "path": "positions", "expression": "element.profit / element.volume"})
        assert made["positions"] == [25.0, -40.0, 12.5]

    def test_map_into_another_place_with_position(self) -> None:
        rule = {"op": "map", "path": "positions", "expression": "= [position, element.symbol]", "to": "names"}
        made = transform(rule)
        assert made["names"] == [[0, "EURUSD"], [1, "GBPUSD"], [2, "EURUSD"]]
        assert made["positions"] == POSITIONS

    def test_filter_sees_the_workflow_too(self) -> None:
        rule = {"op": "filter", "path": "positions", "expression": "element.profit > 0 && nodes.rsi.value < 50"}
        assert transform(rule)["positions"] == [POSITIONS[0], POSITIONS[2]]

    def test_filter_takes_true_or_false_only(self) -> None:
        with pytest.raises(ExpressionError, match=r"Rule 1 \(filter\): element 0 gives 12\.5, not true or false"):
            transform({"op": "filter", "path": "positions", "expression": "element.profit"})

    def test_an_expression_that_fails_says_where(self) -> None:
        rule = {"op": "map", "path": "positions", "expression": "element.profit + element.symbol"}
        with pytest.raises(ExpressionError, match=r"Rule 1 \(map\): element 0: "):
            transform(rule)

    def test_only_lists(self) -> None:
        with pytest.raises(NodeConfigError, match="`account` is an object, not a list"):
            transform({"op": "filter", "path": "account", "expression": "true"})
        with pytest.raises(NodeConfigError, match="at most"):
            transform({"op": "map", "path": "a", "expression": "1"}, source={"a": [0] * (MAX_LIST + 1)})

    def test_the_expression_stays_a_text_until_then(self) -> None:
        schema = TransformConfig.model_json_schema()
        for name in ("MapRule", "FilterRule"):
            field = schema["$defs"][name]["properties"]["expression"]
            assert (field["static"], field["widget"], field["names"]) == (True, "expression", ["element", "position"])


def aggregate(function: str, source: Any = None, **more: Any) -> Any:
    rule = {"op": "aggregate", "path": "list", "function": function, "to": "result", **more}
    return transform(rule, source={"list": [3, 1, 2] if source is None else source})["result"]


class TestAggregate:
    @pytest.mark.parametrize(
        ("function", "expected"),
        [("sum", 6), ("avg", 2), ("min", 1), ("max", 3), ("count", 3), ("first", 3), ("last", 2)],
    )
    def test_functions(self, function: str, expected: float) -> None:
        assert aggregate(function) == expected

    def test_of_a_field(self) -> None:
        assert aggregate("sum", POSITIONS, field="profit") == 11.0
        assert aggregate("first", POSITIONS, field="symbol") == "EURUSD"

    def test_by_group(self) -> None:
        assert aggregate("sum", POSITIONS, field="profit", group_by="symbol") == {"EURUSD": 15.0, "GBPUSD": -4.0}
        assert aggregate("count", POSITIONS, group_by="symbol") == {"EURUSD": 2, "GBPUSD": 1}
        assert aggregate("count", [{"k": 1}, {"k": True}, {"k": 1.5}], group_by="k") == {"1": 1, "true": 1, "1.5": 1}

    def test_of_nothing(self) -> None:
        assert (aggregate("sum", []), aggregate("count", [])) == (0, 0)
        assert aggregate("avg", [], group_by="x") == {}
        for function in ("avg", "min", "max", "first", "last"):
            with pytest.raises(MissingInput, match="is empty"):
                aggregate(function, [])

    def test_what_is_no_number(self) -> None:
        with pytest.raises(MissingInput, match=r"list\.1 has no value"):
            aggregate("sum", [1, None])
        for bad in ("1", True, math.nan, [1]):
            with pytest.raises(NotANumber, match=r"list\.1"):
                aggregate("max", [1, bad])
        with pytest.raises(NotANumber, match=r"list\.0\.symbol"):
            aggregate("sum", POSITIONS, field="symbol")
        with pytest.raises(NotANumber, match="too large"):
            aggregate("sum", [1e308, 1e308])

    def test_a_field_or_group_that_is_not_there(self) -> None:
        with pytest.raises(MissingInput, match=r"element 0: there is no `swap`"):
            aggregate("sum", POSITIONS, field="swap")
        with pytest.raises(MissingInput, match="element 1 has no plain value at `k`"):
            aggregate("count", [{"k": 1}, {"k": None}], group_by="k")
        with pytest.raises(NodeConfigError, match=r"element 0: .* holds nothing"):
            aggregate("sum", [1], field="x")


@pytest.mark.parametrize(
    "rule",
    [
        {"op": "explode"},
        {"path": "a", "value": 1},
        {"op": "set", "path": "a"},
        {"op": "set", "path": "", "value": 1},
        {"op": "set", "path": "a..b", "value": 1},
        {"op": "set", "path": ".a", "value": 1},
        {"op": "set", "path": "a", "value": 1, "to": "b"},
        {"op": "rename", "path": "a"},
        {"op": "pick", "paths": []},
        {"op": "map", "path": "a", "expression": ""},
        {"op": "aggregate", "path": "a", "function": "median", "to": "b"},
        {"op": "aggregate", "path": "a", "function": "sum"},
    ],
)
def test_refuses_rules(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        TransformConfig.model_validate({"rules": [rule]})
    assert caught.value.errors()[0]["loc"][:2] == ("rules", 0)


def test_at_most_fifty_rules() -> None:
    with pytest.raises(ValidationError, match="50"):
        TransformConfig.model_validate({"rules": [{"op": "drop", "paths": ["a"]}] * 51})


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc01"), inner, max_size=3),
    max_leaves=8,
)
_path = st.lists(st.sampled_from("abc01"), min_size=1, max_size=3).map(".".join)
_rule = st.one_of(
    st.fixed_dictionaries({"op": st.just("set"), "path": _path, "value": _json}),
    st.fixed_dictionaries({"op": st.just("rename"), "path": _path, "to": _path}),
    st.fixed_dictionaries({"op": st.sampled_from(["pick", "drop"]), "paths": st.lists(_path, min_size=1, max_size=3)}),
    st.fixed_dictionaries(
        {"op": st.just("map"), "path": _path, "expression": st.sampled_from(["element", "[element, position]"])}
    ),
    st.fixed_dictionaries({"op": st.just("filter"), "path": _path, "expression": st.just("position > 0"), "to": _path}),
    st.fixed_dictionaries(
        {
            "op": st.just("aggregate"),
            "path": _path,
            "function": st.sampled_from(["sum", "count", "first", "last"]),
            "to": _path,
        }
    ),
)


@given(source=st.dictionaries(st.sampled_from("abc"), _json, max_size=3), rules=st.lists(_rule, max_size=5))
def test_never_changes_what_it_was_given_and_fails_by_name_only(source: dict[str, Any], rules: list[Any]) -> None:
    given_source, given_rules = copy.deepcopy(source), copy.deepcopy(rules)
    try:
        assert transform(*rules, source=source) == transform(*rules, source=source)
    except TradeloomError as error:
        told = error.message
    else:
        told = "Rule"
    assert told.startswith("Rule")
    assert (source, rules) == (given_source, given_rules)
