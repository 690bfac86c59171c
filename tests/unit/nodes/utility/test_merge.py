import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import AmbiguousInput, MissingInput, NodeConfigError
from tradeloom.nodes.base import Source
from tradeloom.nodes.utility.merge import MAX_ROWS, Merge, MergeConfig, MergeOutput


def live(node: str, output: Any, port: str = "main") -> Source:
    return Source(node, port, live=True, output=output)


DEAD = Source("gone", "true", live=False, output=None)


def merge(*sources: Source, **config: Any) -> MergeOutput:
    return Merge().run(MergeConfig.model_validate(config), FakeContext(sources=sources))


def joined(left: list[Any], right: list[Any], **config: Any) -> Any:
    return merge(live("a", {"rows": left}), live("b", {"rows": right}), mode="by_key", key="id", **config).merged


class TestObjectAndList:
    def test_object_names_the_live_sources(self) -> None:
        output = merge(live("rsi", {"value": 1}), DEAD, live("ma", {"value": 2}))
        assert output.merged == {"ma": {"value": 2}, "rsi": {"value": 1}}
        assert output.count == 2

    def test_list_is_in_the_order_of_ids(self) -> None:
        output = merge(live("rsi", 1), live("ma", 2), DEAD, mode="list")
        assert output.merged == [2, 1]

    def test_nothing_live_is_empty(self) -> None:
        assert merge(DEAD).merged == {}
        assert merge(DEAD, mode="list").merged == []
        assert merge(DEAD, mode="by_key", key="id").merged == []

    def test_nothing_connected(self) -> None:
        with pytest.raises(MissingInput, match="Nothing is connected"):
            merge()


LEFT = [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]
RIGHT = [{"id": 2, "b": True}, {"id": 3, "b": False}]


class TestByKey:
    def test_inner(self) -> None:
        assert joined(LEFT, RIGHT) == [{"id": 2, "a": "y", "b": True}]

    def test_outer(self) -> None:
        assert joined(LEFT, RIGHT, keep="outer") == [
            {"id": 1, "a": "x"},
            {"id": 2, "a": "y", "b": True},
            {"id": 3, "b": False},
        ]

    def test_the_later_source_wins(self) -> None:
        assert joined([{"id": 1, "v": "a"}], [{"id": 1, "v": "b"}]) == [{"id": 1, "v": "b"}]

    def test_many_to_many_makes_every_pair(self) -> None:
        left = [{"id": 1, "a": 1}, {"id": 1, "a": 2}]
        right = [{"id": 1, "b": 3}, {"id": 1, "b": 4}]
        assert [(row["a"], row["b"]) for row in joined(left, right)] == [(1, 3), (1, 4), (2, 3), (2, 4)]

    def test_three_sources(self) -> None:
        sources = [live(name, {"rows": [{"id": 1, name: name}]}) for name in "cab"]
        assert merge(*sources, mode="by_key", key="id").merged == [{"id": 1, "a": "a", "b": "b", "c": "c"}]

    def test_true_is_not_one_and_text_is_not_number(self) -> None:
        assert joined([{"id": True}, {"id": "1"}], [{"id": 1}]) == []
        assert joined([{"id": 1.0}], [{"id": 1}]) == [{"id": 1}]

    def test_lists_are_found_or_named(self) -> None:
        several = {"rows": [{"id": 1}], "other": [], "count": 1}
        config = {"mode": "by_key", "key": "id"}
        assert merge(live("a", several), list_field="rows", **config).merged == [{"id": 1}]
        assert merge(live("a", [{"id": 1}]), **config).merged == [{"id": 1}]
        with pytest.raises(AmbiguousInput, match="several lists: other, rows"):
            merge(live("a", several), **config)
        with pytest.raises(MissingInput, match="no list 'count'"):
            merge(live("a", several), list_field="count", **config)
        for none in ({"count": 1}, 5, None):
            with pytest.raises(MissingInput, match="no list"):
                merge(live("a", none), **config)

    @pytest.mark.parametrize("row", [{}, {"id": None}, 5, None])
    def test_a_row_without_the_key(self, row: Any) -> None:
        with pytest.raises(MissingInput, match="Entry 1 of 'b' has no 'id'"):
            joined([{"id": 1}], [{"id": 1}, row])

    def test_a_key_is_a_plain_value(self) -> None:
        with pytest.raises(NodeConfigError, match="plain value"):
            joined([{"id": [1]}], [])

    def test_size_is_bounded(self) -> None:
        rows = [{"id": 1}] * 200
        with pytest.raises(NodeConfigError, match="more than"):
            joined(rows, rows)
        with pytest.raises(NodeConfigError, match="more than"):
            joined([{"id": 1}] * (MAX_ROWS + 1), [])

    def test_needs_a_key(self) -> None:
        with pytest.raises(ValidationError, match="key field"):
            MergeConfig(mode="by_key")


_rows = st.lists(st.fixed_dictionaries({"id": st.integers(0, 4)}, optional={"a": st.integers()}), max_size=6)


@given(left=_rows, right=_rows)
def test_join_laws(left: list[Any], right: list[Any]) -> None:
    """Inner has a row for each pair of equal keys, outer each unmatched row besides; inputs stay as they are."""
    before = copy.deepcopy((left, right))
    pairs = sum(a["id"] == b["id"] for a in left for b in right)
    alone = sum(a["id"] not in {b["id"] for b in right} for a in left)
    alone += sum(b["id"] not in {a["id"] for a in left} for b in right)
    assert len(joined(left, right)) == pairs
    assert len(joined(left, right, keep="outer")) == pairs + alone
    assert (left, right) == before
