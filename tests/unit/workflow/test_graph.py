import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.documents import document, node
from tradeloom.workflow.document import Workflow
from tradeloom.workflow.graph import Graph


def graph(nodes: list[dict[str, object]], *ways: str) -> Graph:
    return Graph(Workflow.model_validate(document(nodes, *ways)))


def test_layers_stand_one_past_the_furthest_source() -> None:
    made = graph([node(name) for name in "abcd"], "a > b", "b > c", "a > c", "a > d")
    assert made.layers(None) == [["a"], ["b", "d"], ["c"]]


def test_a_circle_has_no_layers() -> None:
    with pytest.raises(ValueError, match="cycle"):
        graph([node("a"), node("b")], "a > b", "b > a").layers(None)


def test_body_is_fed_by_its_loop() -> None:
    made = graph([node("t"), node("loop", "utility.loop"), node("body", parent="loop")], "t > loop")
    assert [(c.source, c.source_port) for c in made.incoming["body"]] == [("loop", "item")]
    assert made.scope(None) == ["loop", "t"]
    assert made.layers("loop") == [["body"]]
    assert made.ancestors("body") == {"loop", "t"}
    assert made.depth("body") == 1


@st.composite
def dags(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(2, 14))
    names = [f"n{position}" for position in range(count)]
    ways = [
        f"{names[a]} > {names[b]}" for a in range(count) for b in range(a + 1, count) if draw(st.integers(0, 3)) == 0
    ]
    return graph([node(name) for name in names], *ways)


@given(dags())
def test_layers_respect_every_connection(made: Graph) -> None:
    place = {name: depth for depth, layer in enumerate(made.layers(None)) for name in layer}
    assert sorted(place) == sorted(made.nodes)
    for connection in made.connections:
        assert place[connection.source] < place[connection.target]


@given(dags())
def test_ancestors_and_descendants_mirror_each_other(made: Graph) -> None:
    for one in made.nodes:
        for other in made.descendants(one):
            assert one in made.ancestors(other)
