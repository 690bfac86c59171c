from hypothesis import given
from hypothesis import strategies as st

from tests.support.documents import document, node
from tradeloom.workflow.document import Workflow
from tradeloom.workflow.structure import structural_problems


def found(nodes: list[dict[str, object]], *ways: str) -> set[tuple[str, str | None]]:
    value = Workflow.model_validate(document(nodes, *ways))
    return {(problem.code, problem.node) for problem in structural_problems(value)}


def test_dangling_ends() -> None:
    assert found([node("a")], "a > ghost", "ghost > a") == {("dangling_connection", None)}


def test_circles_are_named_once_each() -> None:
    names = [node(name) for name in "abcde"]
    problems = found(names, "a > b", "b > c", "c > a", "d > e", "e > d")
    assert problems == {("cycle", "a"), ("cycle", "d")}
    assert found([node("a")], "a > a") == {("cycle", "a")}


def test_borders_of_loops() -> None:
    loop, inside, outside = node("loop", "utility.loop"), node("inside", parent="loop"), node("outside")
    assert found([loop, inside, outside], "outside > inside") == {("crosses_loop", "inside")}
    assert found([loop, inside, outside], "inside > outside") == {("crosses_loop", "outside")}
    assert found([loop, inside, outside], "loop.item > inside", "loop > outside") == set()
    assert found([loop, inside], "loop > inside") == {("crosses_loop", "inside")}


def test_parents() -> None:
    assert found([node("a", parent="ghost")]) == {("unknown_parent", "a")}
    assert ("parent_cycle", "a") in found([node("a", parent="b"), node("b", parent="a")])
    deep = [node("l0", "utility.loop")] + [node(f"l{n}", "utility.loop", parent=f"l{n - 1}") for n in (1, 2, 3)]
    assert found(deep) == {("loop_too_deep", "l3")}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_a_circle_is_found_exactly_where_there_is_one(pairs: list[tuple[int, int]]) -> None:
    names = [node(f"n{number}") for number in range(10)]
    problems = found(names, *(f"n{a} > n{b}" for a, b in pairs))
    assert bool(problems) == _has_cycle(pairs)


def _has_cycle(pairs: list[tuple[int, int]]) -> bool:
    """By repeatedly removing nodes that nothing leads into."""
    edges, alive = set(pairs), set(range(10))
    while True:
        free = {n for n in alive if not any(b == n and a in alive for a, b in edges)}
        if not free:
            return bool(alive)
        alive -= free
