"""Random workflows for the parity suite: every construct the compiler knows, in small graphs that shrink well."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.parity.outcomes import Behaviour
from tests.support.documents import document, node

CONFIGS: dict[str, dict[str, Any]] = {
    "trigger.manual": {},
    "trigger.schedule": {"kind": "cron", "expression": "0 8 * * 1-5"},
    "utility.transform": {"rules": [{"op": "set", "path": "x", "value": 1}], "source": {}},
    "utility.merge": {"mode": "object"},
    "market.account": {},
    "condition.if": {"a": 1, "operator": ">", "b": 2},
    "condition.logic": {"operator": "AND", "values": [True]},
    "notify.dashboard": {"title": "t", "message": "m", "type": "info"},
    "utility.delay": {"mode": "seconds", "seconds": 0},
    "utility.loop": {"over": "count", "count": 3, "max_iterations": 3},
    "utility.for_each": {"items": "= [1, 2, 3]", "max_iterations": 3, "on_item_error": "continue"},
}
LOOPS = ["utility.loop", "utility.for_each"]
PLAIN = ["utility.transform", "utility.merge", "market.account", "condition.if", "condition.logic", "notify.dashboard"]
PORTS = {"condition.if": ["true", "false"], "condition.logic": ["true", "false"]}
RETRYABLE, FINAL = "BrokerUnavailable", "MissingInput"


@dataclass(frozen=True)
class Case:
    """A document, the trigger that fires, and what each node does."""

    document: dict[str, Any]
    trigger: str
    behaviours: dict[str, Behaviour]
    effects: frozenset[str]


@dataclass
class _Drawing:
    nodes: list[dict[str, Any]]
    ways: list[str]
    behaviours: dict[str, Behaviour]


@st.composite
def cases(draw: st.DrawFn, most: int = 9) -> Case:
    """A valid workflow of up to `most` nodes besides triggers and loop bodies."""
    drawing = _Drawing([], [], {})
    triggers = [f"t{number}" for number in range(draw(st.integers(1, 2)))]
    for position, trigger in enumerate(triggers):
        kind = "trigger.schedule" if position else "trigger.manual"
        disabled = position > 0 and draw(st.integers(0, 5)) == 0
        drawing.nodes.append(node(trigger, kind, config=CONFIGS[kind], disabled=disabled))
        drawing.behaviours[trigger] = Behaviour()
    _draw_scope(draw, drawing, triggers, parent=None, prefix="n", most=most, depth=0)
    alive = [n["id"] for n in drawing.nodes if n["id"] in triggers and not n["disabled"]]
    effects = frozenset(n["id"] for n in drawing.nodes if n["type"] == "notify.dashboard")
    return Case(
        document=document(drawing.nodes, *drawing.ways, settings={"timeout_s": 3600}),
        trigger=draw(st.sampled_from(alive)),
        behaviours=drawing.behaviours,
        effects=effects,
    )


def _draw_scope(
    draw: st.DrawFn, drawing: _Drawing, starts: list[str], *, parent: str | None, prefix: str, most: int, depth: int
) -> None:
    count = draw(st.integers(1, most))
    before = list(starts)
    for number in range(count):
        node_id, kind = _draw_node(draw, drawing, f"{prefix}{number}", parent, depth)
        needed = 1 if parent is None else 0
        wanted = draw(st.integers(needed, min(3, len(before)))) if before else 0
        for source in draw(st.permutations(before))[:wanted]:
            _draw_way(draw, drawing, source, node_id)
        before.append(node_id)
        if kind in LOOPS:
            _draw_scope(draw, drawing, [], parent=node_id, prefix=f"{node_id}_", most=3, depth=depth + 1)


def _draw_node(draw: st.DrawFn, drawing: _Drawing, name: str, parent: str | None, depth: int) -> tuple[str, str]:
    kinds = PLAIN + ["utility.delay"] + (LOOPS if depth < 2 else [])
    kind = draw(st.sampled_from(kinds))
    node_id = f"loop_{name}" if kind in LOOPS else name
    on_error = draw(st.sampled_from(["stop", "stop", "continue", "route"]))
    if kind == "utility.delay":
        on_error = "stop"
    retry: dict[str, Any] = {"max_attempts": draw(st.integers(0, 2))}
    if kind == "market.account":
        retry["errors"] = draw(st.sampled_from([None, None, [RETRYABLE], ["BrokerTimeout"], []]))
        retry["jitter"] = draw(st.booleans())
    drawing.nodes.append(
        node(
            node_id,
            kind,
            name=draw(st.sampled_from(["", "Müller & Söhne {% $x %}", "RSI 14", "a.if"])),
            parent=parent,
            config=CONFIGS[kind],
            on_error=on_error,
            join=draw(st.sampled_from([None, None, "any", "all", "settled"])),
            disabled=draw(st.integers(0, 9)) == 0,
            retry=retry,
        )
    )
    drawing.behaviours[node_id] = Behaviour(
        port=draw(st.sampled_from(PORTS.get(kind, ["main"]))),
        error=draw(st.sampled_from([RETRYABLE, FINAL])),
        failures=draw(st.sampled_from([0, 0, 0, 0, 1, 2, 9])),
        items=draw(st.integers(0, 3)),
    )
    return node_id, kind


def _draw_way(draw: st.DrawFn, drawing: _Drawing, source: str, target: str) -> None:
    drawn = next(n for n in drawing.nodes if n["id"] == source)
    ports = list(PORTS.get(drawn["type"], ["main"]))
    if drawn.get("on_error") == "route":
        ports.append("error")
    for port in draw(st.lists(st.sampled_from(ports), min_size=1, max_size=2, unique=True)):
        drawing.ways.append(f"{source}.{port} > {target}")
