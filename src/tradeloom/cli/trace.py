"""An execution's trace: a line a node while it runs, then what came of it and the orders that were filled."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from tradeloom.api.models.execution_trades import ExecutionTrades
from tradeloom.api.models.executions import Execution
from tradeloom.engine.events import Event
from tradeloom.workflow.document import Workflow

_FIRST = ("ticket", "price", "volume", "status", "value", "signal", "result", "bid", "ask", "balance", "count")
_MARKS = {
    "SUCCEEDED": ("✓", "green"),
    "FAILED": ("✕", "bold red"),
    "ABORTED": ("■", "yellow"),
}
_ENDS = {
    "succeeded": ("✓ succeeded", "bold green"),
    "failed": ("✕ failed", "bold red"),
    "stopped": ("■ stopped", "bold yellow"),
    "timed_out": ("✕ timed out", "bold red"),
}


class Trace:
    """Hears an engine's events and prints those of one workflow's nodes."""

    def __init__(self, console: Console, document: Workflow) -> None:
        self._console = console
        self._nodes = {node.id: node for node in document.nodes}
        self._label = max((len(_name(node.label, [0] if node.parent else [])) for node in document.nodes), default=10)
        self._type = max((len(node.type) for node in document.nodes), default=10)

    def hear(self, event: Event) -> None:
        if event.type == "node.finished":
            self._console.print(self._finished(event.data), soft_wrap=True)
        elif event.type == "node.started" and event.data["kind"] == "wait":
            self._console.print(self._line("◔", "blue", event.data, "", "waits on the market's clock"), soft_wrap=True)
        elif event.type == "node.log" and event.data["level"] in {"warning", "error"}:
            told = Text(f"    {event.data['level']}: {event.data['message']}", "yellow")
            self._console.print(told, soft_wrap=True)

    def _finished(self, data: Mapping[str, Any]) -> Text:
        mark, style = _MARKS.get(data["status"], ("?", ""))
        took = f"{data['duration_ms']:9.1f} ms"
        if data["error"]:
            return self._line(mark, style, data, took, f"{data['error']['name']}: {data['error']['message']}")
        record = data["output"] if isinstance(data["output"], dict) else {}
        port = record.get("port")
        told = telling(record.get("output", record))
        return self._line(mark, style, data, took, f"→ {port}  {told}" if port not in (None, "main") else told)

    def _line(self, mark: str, style: str, data: Mapping[str, Any], took: str, told: str) -> Text:
        node = self._nodes.get(data["node"])
        name = _name(node.label if node else data["node"], data["iteration"])
        return Text.assemble(
            "  ",
            (mark, style),
            f" {name:<{self._label}}  ",
            (f"{node.type if node else '':<{self._type}}", "cyan"),
            (f"{took:>12}  ", "dim"),
            told,
        )


def _name(label: str, iteration: list[int]) -> str:
    return f"{label} #{'.'.join(str(step + 1) for step in iteration)}" if iteration else label


def telling(output: Any) -> str:
    """An output's plain values in one line, the most telling first."""
    if not isinstance(output, dict):
        return "" if output is None else str(output)
    plain = [
        (name, value) for name, value in output.items() if value is not None and not isinstance(value, dict | list)
    ]
    plain.sort(key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST))
    return "  ".join(f"{name} {_shown(value)}" for name, value in plain[:5])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.7g}"
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def say_end(console: Console, execution: Execution) -> None:
    """What became of it, and the orders."""
    skipped = [run.name for run in execution.node_runs if run.state == "skipped"]
    if skipped:
        console.print(Text(f"  – not run: {', '.join(skipped)}", "dim"), soft_wrap=True)
    told, style = _ENDS.get(execution.status, (execution.status, ""))
    if execution.has_errors:
        told, style = f"{told}, with errors on the way", "bold yellow"
    took = f"{execution.duration_ms:.0f} ms" if execution.duration_ms is not None else ""
    told_by = f"  execution {execution.id}"
    console.print(Text.assemble((told, style), f" in {took}" if took else "", (told_by, "dim")), soft_wrap=True)
    if execution.error is not None:
        where = f" in {execution.error.node}" if execution.error.node else ""
        console.print(Text(f"  {execution.error.name}{where}: {execution.error.message}", "red"), soft_wrap=True)
    for order in orders_of(execution):
        console.print(
            Text.assemble(
                ("order filled" if order["status"] == "done" else f"order {order['status']}", "bold"),
                f": {order['side']} {order['volume']} {order['symbol']}, ticket ",
                (str(order["ticket"]), "bold green"),
                " at price ",
                (str(order["price"]), "bold green"),
            ),
            soft_wrap=True,
        )
    if not orders_of(execution) and execution.status == "succeeded":
        console.print(Text("no order was sent", "dim"))
    _say_result(console, execution.trades)


def _say_result(console: Console, trades: ExecutionTrades) -> None:
    """What came of the positions it opened, as far as they are closed by now."""
    for result in trades.results:
        style = "green" if result.net > 0 else "red" if result.net < 0 else ""
        told = f"{result.net:+,.2f} {result.currency}"
        closed = f"{result.trades} closed trade{'s' if result.trades > 1 else ''} of {result.volume:g} lots made "
        console.print(Text.assemble(closed, (told, style), f" on {result.account}"), soft_wrap=True)
    if trades.state in {"open", "pending"}:
        console.print(Text("what it opened is not all closed", "dim"), soft_wrap=True)


def orders_of(execution: Execution) -> list[dict[str, Any]]:
    """`{node, ticket, price, volume, side, symbol, status}` of every order that was sent."""
    found = []
    for run in execution.node_runs:
        is_order = run.type.startswith("order.") and run.state == "succeeded" and isinstance(run.output, dict)
        if is_order and run.output.get("status") != "already_closed":
            keys = ("ticket", "price", "volume", "side", "symbol", "status")
            found.append({"node": run.node} | {key: run.output.get(key) for key in keys})
    return found


def as_json(execution: Execution) -> dict[str, Any]:
    """The execution as the API gives it, with its orders."""
    told: dict[str, Any] = execution.model_dump(mode="json")
    return told | {"orders": orders_of(execution)}
