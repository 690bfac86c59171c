"""Nothing reaches the broker around the gate: proven by search."""

import ast
from pathlib import Path

import mt5_bridge

SOURCE = Path(mt5_bridge.__path__[0])
RESENDING_HELPERS = {"Buy", "Sell", "Close"}


def mentions(path: Path, names: set[str]) -> list[str]:
    """Functions of a file in which one of the names is used, as attribute, variable, string or import."""
    tree = ast.parse(path.read_text())
    found = []
    for function in ast.walk(tree):
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


def test_order_send_is_called_in_one_place() -> None:
    calls = {path.name: found for path in bridge_files() if (found := mentions(path, {"order_send"}))}
    assert calls == {"desk.py": ["_order_send"]}


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
