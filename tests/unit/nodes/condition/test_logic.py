from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import Source
from tradeloom.nodes.condition.logic import Logic, LogicConfig, LogicOutput


def taken(node: str, port: str = "true") -> Source:
    return Source(node, port, live=True, output={"anything": 1})


def dead(node: str, port: str = "true") -> Source:
    return Source(node, port, live=False, output=None)


def gives(node: str, output: Any) -> Source:
    return Source(node, "main", live=True, output=output)


def combine(operator: str, *sources: Source, **config: Any) -> LogicOutput:
    checked = LogicConfig.model_validate({"operator": operator, **config})
    emitted = Logic().run(checked, FakeContext(sources=sources))
    assert isinstance(emitted.output, LogicOutput)
    assert emitted.port == ("true" if emitted.output.result else "false")
    return emitted.output


@pytest.mark.parametrize(
    ("operator", "table"),
    [  # of (F,F), (F,T), (T,F), (T,T)
        ("AND", [False, False, False, True]),
        ("OR", [False, True, True, True]),
        ("NAND", [True, True, True, False]),
        ("NOR", [True, False, False, False]),
        ("XOR", [False, True, True, False]),
    ],
)
def test_truth_tables(operator: str, table: list[bool]) -> None:
    pairs = [(False, False), (False, True), (True, False), (True, True)]
    for (a, b), expected in zip(pairs, table, strict=True):
        sources = [taken(name) if live else dead(name) for name, live in (("a", a), ("b", b))]
        assert combine(operator, *sources).result is expected


def test_not() -> None:
    assert combine("NOT", dead("a")).result
    assert not combine("NOT", taken("a")).result


def test_a_taken_branch_is_true_whatever_its_port() -> None:
    output = combine("AND", taken("trend", "false"), taken("feed", "error"))
    assert output.result
    assert [each.model_dump() for each in output.inputs] == [
        {"source": "trend", "port": "false", "value": True},
        {"source": "feed", "port": "error", "value": True},
    ]


def test_both_ports_of_one_condition() -> None:
    assert combine("XOR", taken("a", "true"), dead("a", "false")).result


@pytest.mark.parametrize("output", [True, {"result": True, "b": 1}])
def test_an_ordinary_output_counts_as_it_says(output: Any) -> None:
    assert combine("AND", gives("x", output)).result


@pytest.mark.parametrize("output", [{}, {"result": 1}, {"result": None}, {"value": 5}, "true", 1, None])
def test_an_output_that_says_neither_is_an_error(output: Any) -> None:
    with pytest.raises(MissingInput, match="'x' gives neither"):
        combine("OR", taken("a"), gives("x", output))


def test_a_dead_ordinary_connection_is_false() -> None:
    assert not combine("OR", dead("x", "main")).result


def test_the_feed_of_a_loop_decides_nothing() -> None:
    feed = Source("each", "item", live=True, output={"item": 1, "index": 0})
    assert not combine("OR", feed, dead("a")).result
    with pytest.raises(MissingInput):
        combine("OR", feed)


class TestValues:
    def test_count_beside_the_connections(self) -> None:
        output = combine("AND", taken("a"), values=[True, False])
        assert not output.result
        assert output.reason == "AND of a.true=true, values.0=true, values.1=false"

    def test_alone(self) -> None:
        rsi = gives("rsi", {"value": 28})
        assert combine("AND", rsi, values=[True], use_connections=False).result

    def test_must_be_true_or_false(self) -> None:
        with pytest.raises(MissingInput, match=r"values\.1"):
            combine("OR", values=[True, None])
        with pytest.raises(NodeConfigError, match=r"values\.0"):
            combine("OR", values=[1])


class TestWiring:
    def test_not_takes_one(self) -> None:
        with pytest.raises(NodeConfigError, match="exactly one input, not 2"):
            combine("NOT", taken("a"), dead("b"))
        with pytest.raises(NodeConfigError, match="exactly one"):
            combine("NOT", taken("a"), values=[True])
        assert not combine("NOT", values=[True]).result

    def test_nothing_to_combine(self) -> None:
        for operator in ("AND", "NOR", "NOT"):
            with pytest.raises(MissingInput, match="no input"):
                combine(operator)

    def test_is_found_when_saving(self) -> None:
        problem = Logic.wiring_problem
        assert "exactly one" in (problem({"operator": "NOT"}, ["true", "true"]) or "")
        assert problem({"operator": "NOT"}, ["true"]) is None
        assert problem({"operator": "NOT", "values": ["= 1 < 2"]}, ["main"]) is not None
        assert problem({"operator": "NOT", "values": ["= 1 < 2"], "use_connections": False}, ["main"]) is None
        assert "no input" in (problem({"operator": "AND"}, []) or "")
        assert "no input" in (problem({}, ["item"]) or "")
        assert problem({"operator": "AND", "values": "= nodes.x.list"}, []) is None

    def test_waits_for_all(self) -> None:
        assert Logic.default_join == "settled"


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_laws(values: list[bool]) -> None:
    def result(operator: str) -> bool:
        return combine(operator, values=values).result

    assert result("AND") == all(values)
    assert result("OR") == any(values)
    assert result("NAND") is not result("AND")
    assert result("NOR") is not result("OR")
    assert result("XOR") == reduce(xor, values)
