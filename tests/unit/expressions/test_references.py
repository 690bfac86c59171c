"""Which names an expression refers to."""

import pytest

from tradeloom.expressions import names_in, names_only_in_has, parse, references_in


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("1", set()),
        ("nodes.rsi.value", {"nodes.rsi.value"}),
        ('nodes["rsi"].value', {"nodes.rsi.value"}),
        ("nodes.rsi['value']", {"nodes.rsi.value"}),
        ("nodes", {"nodes"}),
        ("nodes[input.which].value", {"nodes", "input.which"}),
        ("nodes.bars.bars[0].close", {"nodes.bars.bars"}),
        ("nodes.bars.bars[index].close", {"nodes.bars.bars", "index"}),
        ("nodes.a.x + nodes.b.y > trigger.price", {"nodes.a.x", "nodes.b.y", "trigger.price"}),
        ("nodes.a.name.contains('x')", {"nodes.a.name"}),
        ("max(nodes.a.x, 1)", {"nodes.a.x"}),
        ("nodes.bars.bars.map(b, b.close + nodes.ma.value)", {"nodes.bars.bars", "nodes.ma.value"}),
        ("l.map(x, m.map(y, x + y + z))", {"l", "m", "z"}),
        ("l.map(nodes, nodes.a) + [nodes.b]", {"l", "nodes.b"}),
        ("nodes.map(x, x)", {"nodes"}),
        ("x.map(x, x)", {"x"}),
        ("[{'a': nodes.a}, nodes.b ? nodes.c : -nodes.d]", {"nodes.a", "nodes.b", "nodes.c", "nodes.d"}),
        ("has(nodes.a.x)", {"nodes.a.x"}),
        ("has(nodes['a'].x)", {"nodes.a.x"}),
        ("has(l[i].x)", {"l", "i"}),
        ("l.map(x, has(x.y))", {"l"}),
        ("(c ? a : b).x", {"a", "b", "c"}),
        ("{'k': a}[b].c", {"a", "b"}),
    ],
)
def test_names(source, paths):
    assert names_in(parse(source)) == {tuple(path.split(".")) for path in paths}


@pytest.mark.parametrize(
    ("source", "only_tested"),
    [
        ("has(nodes.a.x)", {"nodes.a.x"}),
        ("has(nodes.a.x) ? nodes.a.x : 0", set()),
        ("has(nodes.a.x) ? nodes.b.x : 0", {"nodes.a.x"}),
        ("has(nodes.a.x) && nodes.a.y > 1", {"nodes.a.x"}),
        ("nodes.a.x > 1", set()),
        ("has(l[i].x)", set()),
    ],
)
def test_names_only_asked_for(source, only_tested):
    assert names_only_in_has(parse(source)) == {tuple(path.split(".")) for path in only_tested}


def test_references_keep_the_two_apart():
    references = references_in(parse("has(nodes.a.x) ? nodes.b.y : nodes.c.z"))
    assert references.tested == {("nodes", "a", "x")}
    assert references.read == {("nodes", "b", "y"), ("nodes", "c", "z")}
    assert references.all == references.read | references.tested
