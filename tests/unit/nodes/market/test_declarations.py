"""What the market, indicator, order and risk nodes declare: complete, and true of their examples."""

import importlib
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest

from tests.support.broker_facts import make_position
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import AS_OF, FakeContext
from tests.support.series import eurusd_h1
from tradeloom.errors import TradeloomError
from tradeloom.nodes.base import Effect, Node, Tier
from tradeloom.nodes.naming import function_name, handler_module

TYPES = {
    "market.live_price": "LivePrice",
    "market.history": "History",
    "market.account": "AccountNode",
    "market.positions": "Positions",
    "market.orders": "Orders",
    "market.trades": "Trades",
    "indicator.ma": "MovingAverage",
    "indicator.rsi": "Rsi",
    "indicator.macd": "Macd",
    "indicator.bollinger": "Bollinger",
    "indicator.atr": "Atr",
    "order.market": "MarketOrder",
    "order.close": "Close",
    "risk.position_size": "PositionSize",
}
each_type = pytest.mark.parametrize("name", TYPES)


def node_type(name: str) -> type[Node]:
    found: type[Node] = getattr(importlib.import_module(f"tradeloom.nodes.{name}"), TYPES[name])
    return found


@each_type
def test_its_example_runs(name: str) -> None:
    node = node_type(name)
    broker = FakeBroker(history={("EURUSD", "H1"): eurusd_h1()}, open_positions=[make_position(1)])
    context = FakeContext(brokers={"paper": broker}, warmup_bars=600)
    inputs: dict[str, Any] = {}
    for outputs in node.example.inputs.values():
        inputs |= outputs
    wanted = {field: value for field, value in inputs.items() if field in node.Config.model_fields}
    output = node().run(node.Config.model_validate(wanted | dict(node.example.config)), context)
    assert isinstance(output, node.Output)
    assert node.Output.model_validate_json(output.model_dump_json()) == output


@each_type
def test_every_field_is_described(name: str) -> None:
    node = node_type(name)
    assert node.type == name
    assert node.tier is Tier.BASIC
    assert all((node.title, node.icon, node.description.endswith("."), len(node.help) > 200))
    for field, declared in node.Config.model_fields.items():
        assert all((declared.title, declared.description)), field
    for field, declared in node.Output.model_fields.items():
        assert declared.description, field
    assert all(issubclass(error, TradeloomError) for error in node.errors)
    assert len(node.errors) == len(set(node.errors))
    assert node.Config.model_json_schema()["properties"].keys() == node.Config.model_fields.keys()


@each_type
def test_only_orders_act(name: str) -> None:
    node = node_type(name)
    assert node.acts() is name.startswith("order.")
    assert (Effect.TRADES in node.effects) is name.startswith("order.")


@each_type
def test_it_has_a_lambda_function(name: str) -> None:
    handler = importlib.import_module(handler_module(function_name(name))).handler
    assert callable(handler)


def test_declaring_them_imports_nothing_heavy() -> None:
    modules = "\n".join(f"import tradeloom.nodes.{name}" for name in TYPES)
    heavy = ("numpy", "talib", "pandas", "rpyc", "boto3", "psycopg")
    code = f"import sys\n{modules}\nloaded = set({heavy!r}) & set(sys.modules)\nassert not loaded, loaded"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_examples_stand_where_there_are_bars() -> None:
    reference = node_type("indicator.rsi").example.inputs["market.history"]["bars"]
    assert datetime.fromisoformat(reference["to"]) == AS_OF
