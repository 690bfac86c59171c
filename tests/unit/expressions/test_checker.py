"""Static types: what expressions are, what is refused and where, and what conditions are understood to prove."""

import pytest

from tradeloom.errors import ExpressionError
from tradeloom.expressions import (
    BOOL,
    DURATION,
    DYN,
    MAX_PROBLEMS,
    NULL,
    NUMBER,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    StringType,
    UnionType,
    check,
    check_all,
    parse,
)
from tradeloom.expressions.types import members_of

TREND = StringType(("down", "flat", "up"))
BAR = ObjectType({"open": NUMBER, "close": NUMBER, "time": STRING})
SCOPE = {
    "nodes": ObjectType(
        {
            "rsi": ObjectType({"value": NUMBER, "previous": UnionType((NUMBER, NULL)), "signal": STRING}),
            "ma": ObjectType({"value": NUMBER, "trend": TREND, "series": ListType(NUMBER)}),
            "bars": ObjectType({"bars": ListType(BAR), "last": BAR}),
            "order": ObjectType({"ticket": NUMBER, "note": STRING}, optional=frozenset({"note"})),
        }
    ),
    "input": UnionType((ObjectType({"price": NUMBER, "bid": NUMBER}), ObjectType({"price": NUMBER, "ask": STRING}))),
    "prices": MapType(NUMBER),
    "anything": DYN,
    "maybe": UnionType((BAR, NULL)),
    "open": ObjectType({"known": NUMBER}, extra=STRING),
}


def problems_of(source: str) -> list[ExpressionError]:
    return check_all(parse(source), SCOPE)[1]


@pytest.mark.parametrize(
    ("source", "type_"),
    [
        ("1", NUMBER),
        ("'a'", StringType(("a",))),
        ("true", BOOL),
        ("null", NULL),
        ("nodes.rsi.value", NUMBER),
        ("nodes['rsi'].value", NUMBER),
        ("nodes.ma.trend", TREND),
        ("nodes.bars.bars", ListType(BAR)),
        ("nodes.bars.bars[0].close", NUMBER),
        ("nodes.bars.bars[nodes.rsi.value].time", STRING),
        ("prices.any", NUMBER),
        ("prices['a' + 'b']", NUMBER),
        ("open.known", NUMBER),
        ("open.other", STRING),
        ("input.price", NUMBER),
        ("anything.at.all[0]", DYN),
        ("nodes.rsi.value < 30 && nodes.bars.last.close > nodes.ma.value", BOOL),
        ("1 + 2 * 3", NUMBER),
        ("'a' + 'b'", STRING),
        ("[1] + ['a']", ListType(UnionType((NUMBER, StringType(("a",)))))),
        ("now() + duration('1h')", TIMESTAMP),
        ("duration('1h') + now()", TIMESTAMP),
        ("now() - now()", DURATION),
        ("now() - duration('1h')", TIMESTAMP),
        ("duration('1h') - duration('1m')", DURATION),
        ("anything + 1", NUMBER),
        ("anything + 'a'", STRING),
        ("anything + [1]", ListType(DYN)),
        ("anything - now()", DYN),
        ("anything * anything", NUMBER),
        ("-anything", NUMBER),
        ("[]", ListType(UnionType(()))),
        ("[1, 2]", ListType(NUMBER)),
        ("{'a': 1}", ObjectType({"a": NUMBER})),
        ("{'a' + '': 1, 'b': 2}", MapType(NUMBER)),
        ("{'a': 1}.a", NUMBER),
        ("true ? 1 : 'a'", UnionType((NUMBER, StringType(("a",))))),
        ("true ? 'a' : 'b'", StringType(("a", "b"))),
        ("true ? 'a' : string(1)", STRING),
        ("'close' in nodes.bars.last", BOOL),
        ("has(nodes.order.note)", BOOL),
        ("nodes.bars.bars.map(b, b.close)", ListType(NUMBER)),
        ("nodes.bars.bars.map(b, b.close > 1, b.time)", ListType(STRING)),
        ("nodes.bars.bars.filter(b, b.close > 1)", ListType(BAR)),
        ("nodes.bars.bars.all(b, b.close > 1)", BOOL),
        ("prices.map(k, prices[k])", ListType(NUMBER)),
        ("nodes.bars.last.map(k, k)", ListType(StringType(("close", "open", "time")))),
        ("['open', 'close'].map(k, nodes.bars.last[k])", ListType(NUMBER)),
        ("anything.map(x, x + 1)", ListType(NUMBER)),
        ("max(nodes.ma.series)", NUMBER),
        ("max(1, nodes.rsi.value)", NUMBER),
        ("max(anything)", NUMBER),
        ("cross_above(nodes.ma.series, 30)", BOOL),
        ("cross_below(nodes.ma.series, [1, 2])", BOOL),
        ("size(nodes.bars.last)", NUMBER),
        ("timestamp(nodes.bars.last.time).getHours('UTC')", NUMBER),
        ("duration('90m').getHours()", NUMBER),
        ("string(now())", STRING),
        ("int(true ? 1 : '2')", NUMBER),
    ],
)
def test_types(source, type_):
    assert check(parse(source), SCOPE) == type_


@pytest.mark.parametrize(
    ("source", "position", "message", "hint"),
    [
        ("node.rsi.value", 0, 'no "node" here', "Did you mean nodes?"),
        ("rsi.value", 0, 'no "rsi" here', "Did you mean nodes.rsi?"),
        ("zzz", 0, 'no "zzz" here', "There are nodes, input"),
        ("nodes.rsi.valeu > 1", 10, 'no field "valeu" in nodes.rsi', "Did you mean value?"),
        ("nodes.rsi.zzz", 10, 'no field "zzz"', "It has value, previous, signal."),
        ("nodes.ris.value", 6, 'no field "ris" in nodes', "Did you mean rsi?"),
        ("nodes['ris']", 5, 'no field "ris"', "Did you mean rsi?"),
        ("has(nodes.rsi.valeu)", 0, 'no field "valeu"', "Did you mean value?"),
        ("has(nodes.rsi.value.x)", 0, "is a number", None),
        ("input.bid", 6, "not every possible source does", "has(…)"),
        ("input.spread", 6, 'no field "spread"', None),
        ("maybe.close", 6, "maybe can be null", "maybe != null"),
        ("nodes.rsi.value.x", 16, "is a number, which has no field", None),
        ("nodes.bars.bars.close", 16, "is a list, which has no field", None),
        ("nodes.rsi.value + 'a'", 16, "cannot add a number and a string", "string(value)"),
        ("nodes.rsi.value < '30'", 16, "cannot compare a number and a string", "double(text)"),
        ("nodes.rsi.previous < 30", 19, "cannot compare a number or null and a number", "nodes.rsi.previous != null"),
        ("nodes.bars.last.time > now()", 21, "cannot compare", "timestamp(text)"),
        ("true < 1", 5, "cannot compare a bool and a number", None),
        ("[1] < [2]", 4, "cannot compare a list and a list", None),
        ("'a' * 2", 4, "cannot multiply", None),
        ("-'a'", 0, "takes a number", None),
        ("!1", 0, "takes a bool", None),
        ("1 && true", 0, "must be true or false", None),
        ("true || 'a'", 8, "must be true or false", None),
        ("1 ? 2 : 3", 0, "condition of ?:", None),
        ("nodes.rsi.value == '30'", 16, "never equal", "double(text)"),
        ("nodes.ma.trend == 'upp'", 15, 'never "upp"', "Did you mean up?"),
        ("nodes.ma.trend != 'sideways'", 15, 'never "sideways"', 'It can be "down" or "flat" or "up".'),
        ("1 in ['a', 'b']", 2, "never equal", None),
        ("'x' in nodes.bars.last", 4, 'never "x"', None),
        ("'a' in 'abc'", 4, "looks into a list or a map", "contains"),
        ("1 in prices", 2, "never equal", None),
        ("nodes.bars.bars['0']", 15, "is a list, which has no field", None),
        ("nodes.bars.bars['a' + 'b']", 15, "cannot be indexed by a string", "a number from 0"),
        ("prices[0]", 6, "cannot be indexed by a number", None),
        ("nodes.rsi.value[0]", 15, "cannot be indexed", None),
        ("maybe['o' + 'p']", 5, "can be null", "maybe != null"),
        ("{1: 2}", 1, "keys of a map are strings", None),
        ("{'a': 1, 'a': 2}", 9, 'the key "a" twice', None),
        ("abs('a')", 0, "abs takes (a number), not (a string)", None),
        ("abs(nodes.rsi.previous)", 0, "not (a number or null)", "!= null"),
        ("max('a', 'b')", 0, "max takes", None),
        ("max(nodes.bars.bars)", 0, "max takes", None),
        ("cross_above(nodes.rsi.value, 30)", 0, "cross_above takes", None),
        ("sum(1)", 0, "sum takes (a list)", None),
        ("nodes.rsi.signal.contains(1)", 17, "contains takes (a string, a string)", None),
        ("nodes.bars.last.time.getHours()", 21, "getHours takes", "timestamp(text).getHours"),
        ("now().getHours(1)", 6, "getHours takes", None),
        ("string([1])", 0, "string takes", None),
        ("nodes.rsi.value.map(x, x)", 16, "goes through a list or a map", None),
        ("maybe.map(x, x)", 6, "goes through a list or a map, not an object or null", "maybe != null"),
        ("nodes.bars.bars.filter(b, b.close)", 28, "The condition of filter", None),
        ("nodes.bars.bars.map(b, b.close, b)", 25, "The condition of map", None),
        ("nodes.bars.bars.map(b, b.clse)", 25, 'no field "clse" in b', "Did you mean close?"),
        ("nodes.bars.bars.map(b, b.close)[0] + b", 37, 'no "b" here', None),
        ("nodes.bars.bars.map(bar, br.close)", 25, 'no "br" here', "Did you mean bar?"),
    ],
)
def test_problems(source, position, message, hint):
    problems = problems_of(source)
    assert len(problems) == 1, [problem.message for problem in problems]
    assert message in problems[0].message
    assert problems[0].position == position
    if hint is not None:
        assert hint in (problems[0].hint or "")


@pytest.mark.parametrize(
    "source",
    [
        "nodes.rsi.previous != null && nodes.rsi.previous < 30",
        "nodes.rsi.previous == null || nodes.rsi.previous < 30",
        "null != nodes.rsi.previous && nodes['rsi'].previous < 30",
        "nodes.rsi.previous != null ? nodes.rsi.previous + 1 : 0",
        "nodes.rsi.previous == null ? 0 : nodes.rsi.previous + 1",
        "!(nodes.rsi.previous == null) && nodes.rsi.previous < 30",
        "!(nodes.rsi.previous == null || maybe == null) && nodes.rsi.previous < maybe.close",
        "nodes.rsi.previous != null && true && nodes.rsi.previous < 30",
        "nodes.rsi.previous != null && (maybe != null && maybe.close > nodes.rsi.previous)",
        "has(input.bid) ? input.bid + 1 : 0",
        "has(input.ask) && input.ask.contains('x')",
        "!has(input.bid) || input.bid > 1",
        "has(nodes.order.note) && nodes.order.note == 'x'",
        "[maybe].map(m, m != null, m.close)",
        "[maybe].all(m, m == null || m.close > 1)",
        "has(anything.x.y) && anything.x.y > 1",
        "maybe == null",
        "nodes.rsi.value != null",
        "input.price == 1",
    ],
)
def test_conditions_are_understood(source):
    assert problems_of(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "nodes.rsi.previous == null && nodes.rsi.previous < 30",
        "nodes.rsi.previous != null || nodes.rsi.previous < 30",
        "nodes.rsi.previous != null ? 0 : nodes.rsi.previous + 1",
        "!(nodes.rsi.previous != null) && nodes.rsi.previous < 30",
        "(nodes.rsi.previous != null && true) ? true : nodes.rsi.previous < 30",
        "(nodes.rsi.previous == null || true) ? nodes.rsi.previous < 30 : true",
        "!(nodes.rsi.previous != null && true) ? nodes.rsi.previous < 30 : true",
        "(nodes.rsi.previous != null ? true : true) && nodes.rsi.previous < 30",
        "maybe != null && [null].all(maybe, maybe.close > 1)",  # another `maybe`
        "[maybe].filter(m, m != null).map(m, m.close)",
        "has(input.bid) || input.bid > 1",
    ],
)
def test_conditions_prove_no_more_than_they_say(source):
    assert len(problems_of(source)) == 1


def test_a_fact_about_one_source_picks_that_source():
    assert check(parse("has(input.bid) ? input : null"), SCOPE) == UnionType(
        (*members_of(SCOPE["input"]), NULL)
    )  # the value itself keeps its type; its fields are what the fact opens
    assert check(parse("has(input.ask) ? input.ask : 'none'"), SCOPE) == STRING


def test_all_problems_are_reported_in_order():
    problems = problems_of("nosuch + 1 > 'a' && nodes.rsi.valu < 3 || abs('x') == 1")
    assert [problem.position for problem in problems] == [0, 11, 30, 42]


def test_one_problem_does_not_breed_others():
    assert len(problems_of("nodes.nosuch.value.deeper + 1 < 3 && true")) == 1


def test_problems_are_reported_up_to_a_number():
    assert len(problems_of("[" + ", ".join(["nosuch"] * 100) + "]")) == MAX_PROBLEMS


def test_check_raises_the_first_problem():
    with pytest.raises(ExpressionError) as caught:
        check(parse("nodes.rsi.value + nosuch"), SCOPE)
    assert caught.value.position == 18


def test_an_empty_scope_is_a_scope():
    assert check(parse("1 + 1"), {}) == NUMBER
    with pytest.raises(ExpressionError) as caught:
        check(parse("a"), {})
    assert caught.value.hint is None
