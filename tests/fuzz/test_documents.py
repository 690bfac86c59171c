"""Mutated workflow documents: every one gets an answer, soon, and an answer says where.

Mutations start from the examples and change them as editors, scripts and attackers would: values of other types,
missing and extra keys, doubled and renamed nodes, twisted connections, broken expressions, text that is no JSON.
"""

import copy
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.exam import record, sized
from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import InvalidDocument
from tradeloom.nodes.registry import node_types

EXAMPLES = [json.loads(p.read_text()) for p in sorted((Path(__file__).parents[2] / "examples").glob("*.json"))]
DOCUMENTS = sized(1_500, 100_000)
SLOWEST_S = 0.2

NUMBERS: list[Any] = [0, -1, 1e308, -0.0, 0.1, 2**63, 10**400, True, False, None]
TEXTS = [
    "",
    " ",
    "main",
    "true",
    "error",
    "item",
    "__class__",
    "utility.loop",
    "trigger.manual",
    "日本語",
    "\ud800",
    "\x00",
]
EXPRESSIONS = [
    *(
        "=",
        "= ",
        "= 1 +",
        "= nodes",
        "= nodes.rsi.value",
        "= nodes.ghost.x",
        "= 1/0",
        "\\= plain",
        "{{",
        "}}",
        "{{ 1 }}",
    ),
    *("= [1, 2].map(x, x * x)", "= " + "(" * 60 + "1" + ")" * 60, "x" * 5_000),
]
GROUPS: list[Any] = [[], {}, [[]], [None], {"a": {"b": []}}]
STRANGE = NUMBERS + TEXTS + EXPRESSIONS + GROUPS
WORDS = [
    "id",
    "type",
    "name",
    "config",
    "parent",
    "on_error",
    "join",
    "period",
    "symbol",
    "volume",
    "expression",
    "rules",
]

Mutation = Callable[[random.Random, dict[str, Any]], None]


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) in the document."""
    if isinstance(value, dict):
        for key, part in value.items():
            found.append((value, key))
            _places(part, found)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            found.append((value, position))
            _places(part, found)
    return found


def replace(chance: random.Random, document: dict[str, Any]) -> None:
    container, key = chance.choice(_places(document, []))
    container[key] = copy.deepcopy(chance.choice(STRANGE))


def delete(chance: random.Random, document: dict[str, Any]) -> None:
    container, key = chance.choice(_places(document, []))
    del container[key]


def insert(chance: random.Random, document: dict[str, Any]) -> None:
    container, _ = chance.choice(_places(document, []))
    if isinstance(container, dict):
        container[chance.choice(WORDS)] = copy.deepcopy(chance.choice(STRANGE))
    else:
        container.insert(0, copy.deepcopy(chance.choice(STRANGE)))


def graft(chance: random.Random, document: dict[str, Any]) -> None:
    """A part of one example in a place of another."""
    container, key = chance.choice(_places(document, []))
    other, there = chance.choice(_places(chance.choice(EXAMPLES), []))
    container[key] = copy.deepcopy(other[there])


def _nodes(document: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = document.get("nodes")
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def rewire(chance: random.Random, document: dict[str, Any]) -> None:
    nodes = [n["id"] for n in _nodes(document) if isinstance(n.get("id"), str)]
    if nodes and isinstance(document.get("connections"), list):
        ends = {"source": chance.choice(nodes), "target": chance.choice(nodes)}
        document["connections"].append(ends | {"source_port": chance.choice(["main", "true", "error", "item"])})


def enclose(chance: random.Random, document: dict[str, Any]) -> None:
    nodes = _nodes(document)
    if nodes:
        chance.choice(nodes)["parent"] = chance.choice(nodes).get("id")


MUTATIONS: list[Mutation] = [replace, replace, delete, insert, graft, rewire, enclose]


def mutated(seed: int) -> Any:
    """The document of a seed: an example after one to six mutations, sometimes as broken text."""
    chance = random.Random(seed)
    document = copy.deepcopy(chance.choice(EXAMPLES))
    for _ in range(chance.randint(1, 6)):
        if _places(document, []):
            chance.choice(MUTATIONS)(chance, document)
    if chance.random() < 0.1:
        text = json.dumps(document)
        cut = chance.randrange(len(text))
        return text[:cut] + chance.choice(["", "}", '"', "NaN", "\x00"]) + text[cut + chance.randint(0, 3) :]
    return document


@pytest.mark.exam
@pytest.mark.timeout(7200)
def test_every_document_gets_an_answer() -> None:
    refused = 0
    slowest = (0.0, -1)
    node_types()  # loaded once a process, not for a document
    for seed in range(DOCUMENTS):
        document = mutated(seed)
        started = time.process_time()
        try:
            compile_workflow(document)
        except InvalidDocument as error:
            refused += 1
            _says_where(error, seed)
        slowest = max(slowest, (time.process_time() - started, seed))
    record("test_every_document_gets_an_answer", documents=DOCUMENTS, refused=refused, slowest_s=round(slowest[0], 3))
    assert slowest[0] < SLOWEST_S, f"seed {slowest[1]} took {slowest[0]:.3f} s"
    assert 0.3 < refused / DOCUMENTS < 0.99


def _says_where(error: InvalidDocument, seed: int) -> None:
    assert error.problems, seed
    for problem in error.problems:
        assert problem["message"].strip(), (seed, problem)
        whole = problem["code"] in {"invalid_json", "invalid_document", "too_deep", "too_large", "too_many_events"}
        assert whole or problem.get("node") or problem.get("field"), (seed, problem)
        json.dumps(problem)
