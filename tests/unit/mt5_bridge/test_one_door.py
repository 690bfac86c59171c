"""Nothing reaches the broker around the gate: proven by search, and by a terminal that takes nothing else."""

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mt5_bridge
import tradeloom
from mt5_bridge import constants as mt5
from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.compat.functions import READS
from mt5_bridge.risk_gate import RiskGate
from tests.unit.mt5_bridge.compat.conftest import Stage
from tests.unit.mt5_bridge.fake_terminal import (
    LIMITS,
    NOW,
    Bench,
    FakeTerminal,
    answer,
    cancel,
    close,
    fill,
    make_tick,
    market,
    modify,
    pending,
    trailing,
)
from tests.unit.mt5_bridge.test_flatten import Flattening
from tradeloom.trading.flattening import FlattenStatus
from tradeloom.trading.intents import OrderIntent, OutcomeStatus, Side
from tradeloom.trading.risk import Action
from tradeloom.trading.risk_rules import OrderFacts, Refusal

SOURCE = Path(mt5_bridge.__path__[0])
RESENDING_HELPERS = {"Buy", "Sell", "Close"}
FACTS = OrderFacts(Action.OPEN, "EURUSD", Decimal(1), 1.1, 1.1001, NOW, NOW, NOW)


def mentions(path: Path, names: set[str]) -> list[str]:
    """Functions of a file in which one of the names is used, as attribute, variable, string or import."""
    found = []
    for function in ast.walk(tree_of(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            name = getattr(node, "attr", None) or getattr(node, "id", None)
            text = node.value if isinstance(node, ast.Constant) and not isinstance(node.value, bytes) else None
            if name in names or text in names:
                found.append(function.name)
    return found


def bridge_files() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if "paper" not in path.relative_to(SOURCE).parts]


def all_files() -> list[Path]:
    """Ours, too: nothing outside the bridge may know of a terminal's sending."""
    return [*bridge_files(), *Path(tradeloom.__path__[0]).rglob("*.py")]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def parsed(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a file, with the function it is in."""
    for function in ast.walk(tree_of(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield function.name, node


def sends(node: ast.AST) -> bool:
    """A call of `order_send`, or the function taken from a terminal to be called elsewhere."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "order_send"
    return isinstance(node, ast.Attribute) and node.attr == "order_send" and "terminal" in ast.unparse(node.value)


def test_order_send_is_called_in_one_place() -> None:
    found = {(path.name, function) for path in all_files() for function, node in parsed(path) if sends(node)}
    assert found == {("desk.py", "_order_send")}


def test_it_is_not_reached_by_a_computed_name_either() -> None:
    computed = {
        (path.name, function)
        for path in all_files()
        for function, node in parsed(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("getattr", "attrgetter", "methodcaller", "operator.attrgetter", "vars")
        and "terminal" in ast.unparse(node.args[0])
    }
    assert computed == {("terminal.py", "read_all"), ("reads.py", "answer")}
    assert "order_send" not in READS  # the only names a script's reads may have
    functions = {
        ast.unparse(node.args[1])
        for path in bridge_files()
        for _, node in parsed(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_all"
    }
    assert functions <= {"function", "'positions_get'", "'orders_get'", "'history_orders_get'", "'history_deals_get'"}


def test_every_door_leads_to_the_desk() -> None:
    """RPC, guards, flatten and scripts are given the desk; only the worker makes one, and its gate."""
    makers = {
        (path.name, made)
        for path in all_files()
        for _, node in parsed(path)
        if isinstance(node, ast.Call) and (made := ast.unparse(node.func)) in ("OrderDesk", "Gatekeeper", "RiskGate")
    }
    assert makers == {
        ("account_worker.py", "OrderDesk"),
        ("account_worker.py", "Gatekeeper"),
        ("account_worker.py", "RiskGate"),
    }


class WatchedGate:
    """Notes what the real gate let through."""

    def __init__(self, gate: RiskGate) -> None:
        self._gate = gate
        self.admitted: list[tuple[int, OrderFacts]] = []

    def refusal(self, intent: OrderIntent, facts: OrderFacts, account: Any, side: Side) -> Refusal | None:
        refused = self._gate.refusal(intent, facts, account, side)
        if refused is None:
            self.admitted.append((intent.magic, facts))
        return refused

    def not_shown_yet(self, order_id: str, ticket: int) -> None:
        self._gate.not_shown_yet(order_id, ticket)

    def let_through(self, request: dict[str, Any]) -> None:
        """Asserts that the request is the one admitted last, whose admission is used up by it."""
        assert self.admitted, f"no admission for {request}"
        magic, facts = self.admitted.pop()
        assert not self.admitted
        assert (magic, facts.symbol) == (request["magic"], request["symbol"])
        if "volume" in request:
            assert request["volume"] == float(facts.volume)
        if request["action"] == mt5.TRADE_ACTION_PENDING:
            assert facts.prices[0] == request["price"]
        assert (facts.action is Action.CLOSE) == (
            request["action"] == mt5.TRADE_ACTION_DEAL and request.get("position", 0) > 0
        )


class GuardedTerminal(FakeTerminal):
    """Takes a request only when the gate has just let exactly this one through, and each admission once."""

    gate: WatchedGate

    def order_send(self, request: dict[str, Any], /) -> Any:
        self.gate.let_through(request)
        return super().order_send(request)


def watch(worker: AccountWorker) -> WatchedGate:
    """The worker's gate, watched from now on."""
    desk: Any = worker._desk
    desk._gatekeeper._risk = gate = WatchedGate(desk._gatekeeper._risk)
    return gate


@pytest.fixture
def guarded(make_bench: Callable[..., Bench]) -> Bench:
    bench = make_bench()
    bench.terminal = GuardedTerminal()
    bench.restart()
    bench.terminal.gate = watch(bench.worker)
    return bench


def test_nothing_is_sent_that_the_gate_has_not_just_let_through(guarded: Bench) -> None:
    terminal = guarded.terminal
    terminal.script = [answer(10004), answer(10021), fill()]
    first = guarded.desk.send(market("a"))
    assert first.position is not None
    placed = guarded.desk.send(pending("b"))
    assert placed.order is not None
    outcomes = [
        first,
        placed,
        guarded.desk.send(modify(first.position, "c", stop_loss=Decimal("1.05"))),
        guarded.desk.send(modify(placed.order, "d", target="order", price=Decimal("1.098"))),
        guarded.desk.send(cancel(placed.order, "e")),
        guarded.desk.send(close(first.position, "f")),
    ]
    assert {outcome.status for outcome in outcomes} == {OutcomeStatus.DONE, OutcomeStatus.PLACED}
    assert len(terminal.sent) == 8


def test_nor_by_a_guard(guarded: Bench) -> None:
    position = guarded.desk.send(market("a")).position
    assert position is not None
    guarded.worker.duty.set(trailing(position))
    guarded.terminal.quote = make_tick(1.11, 1.1101)
    guarded.worker.look_after_guards(at_once=True)
    stops = [request for request in guarded.terminal.sent if request["action"] == mt5.TRADE_ACTION_SLTP]
    assert stops


def test_nor_by_a_flatten(guarded: Bench, tmp_path: Path) -> None:
    for order_id in "ab":
        guarded.desk.send(market(order_id))
    guarded.desk.send(pending("c"))
    flattening = Flattening(guarded, tmp_path)
    try:
        flattening.begin()
        guarded.terminal.sent.clear()
        told = flattening.work()
    finally:
        flattening.close()
    assert (told.status, told.closed, told.cancelled) == (FlattenStatus.FLAT, 2, 1)
    assert len(guarded.terminal.sent) == 3


@dataclass(frozen=True)
class Scripts:
    """Scripts on a paper terminal that takes only what the gate of their account has just let through; `sent` has the
    actions it took."""

    stage: Stage
    sent: list[int]


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    stage = Stage(tmp_path / "scripts")
    made = Scripts(stage, [])
    send, gate = stage.module.order_send, watch(stage.worker)

    def guarded_send(request: dict[str, Any], /) -> Any:
        gate.let_through(request)
        made.sent.append(request["action"])
        return send(request)

    vars(stage.module)["order_send"] = guarded_send
    yield made
    stage.close()


def test_nor_by_a_script(scripts: Scripts) -> None:
    script = scripts.stage.script()
    position = script.order()["order"]
    pending_order = script.order(action=mt5.TRADE_ACTION_PENDING, type=mt5.ORDER_TYPE_BUY_LIMIT, price=1.05)["order"]
    answers = [
        script.order(action=mt5.TRADE_ACTION_SLTP, position=position, sl=1.05, tp=0.0),
        script.order(action=mt5.TRADE_ACTION_MODIFY, order=pending_order, price=1.06),
        script.order(action=mt5.TRADE_ACTION_REMOVE, order=pending_order),
        script.order(type=mt5.ORDER_TYPE_SELL, position=position, price=1.1),
    ]
    assert [each["retcode"] for each in answers] == [10009] * 4
    assert scripts.sent == [
        mt5.TRADE_ACTION_DEAL, mt5.TRADE_ACTION_PENDING, mt5.TRADE_ACTION_SLTP, mt5.TRADE_ACTION_MODIFY,
        mt5.TRADE_ACTION_REMOVE, mt5.TRADE_ACTION_DEAL,
    ]  # fmt: skip
    assert script.order(volume=float(LIMITS.max_lot) + 0.5)["retcode"] == 10006
    assert len(scripts.sent) == 6, "what the gate refuses is not sent"


def test_the_guarded_terminal_does_refuse(guarded: Bench) -> None:
    """Else the tests above would show nothing."""
    assert isinstance(guarded.terminal, GuardedTerminal)
    with pytest.raises(AssertionError, match="no admission"):
        guarded.terminal.order_send({"action": 1, "magic": 1, "symbol": "EURUSD", "volume": 0.1})
    guarded.terminal.gate.admitted.append((7, replace(FACTS, volume=Decimal("0.2"))))
    with pytest.raises(AssertionError):
        guarded.terminal.order_send({"action": 1, "magic": 7, "symbol": "EURUSD", "volume": 0.1})


def test_so_does_the_one_of_the_scripts(scripts: Scripts) -> None:
    with pytest.raises(AssertionError, match="no admission"):
        scripts.stage.module.order_send({"action": 1, "magic": 1, "symbol": "EURUSD", "volume": 0.1})
    assert scripts.sent == []


def test_that_place_is_reached_only_behind_the_gate_and_the_journal() -> None:
    desk = SOURCE / "desk.py"
    assert mentions(desk, {"_order_send"}) == ["_transmit"]
    assert mentions(desk, {"_transmit"}) == ["_trade"]
    assert mentions(desk, {"_trade"}) == ["send"]
    tree = ast.parse(desk.read_text())
    functions = {node.name: ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert functions["_trade"].index("_admit") < functions["_trade"].index("_transmit")
    assert functions["_transmit"].index("sending") < functions["_transmit"].index("_order_send")


def test_the_packages_resending_helpers_are_never_used() -> None:
    assert [path.name for path in bridge_files() if mentions(path, RESENDING_HELPERS)] == []


def test_only_the_worker_loads_a_terminal() -> None:
    users = [path.name for path in bridge_files() if mentions(path, {"load_terminal", "connect_terminal"})]
    assert set(users) == {"worker.py"}


def test_nothing_is_pickled_and_classic_rpyc_is_not_there() -> None:
    for path in [*bridge_files(), *(SOURCE.parents[2] / "src" / "tradeloom" / "trading").glob("*.py")]:
        text = path.read_text()
        for word in ("import pickle", "rpyc.classic", "SlaveService", "ClassicService", "shelve", "marshal", "eval("):
            assert word not in text, (path, word)
