"""What the demo has besides: a table of signals, and the settings of a model. For pictures and browser tests."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

SIGNALS: dict[str, Any] = {
    "name": "Signal journal",
    "description": "Keeps every signal it is given in a table of your own.",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {
            "id": "each",
            "type": "utility.for_each",
            "name": "Each signal",
            "config": {"items": "= nodes.start.payload.signals", "unique": False, "max_iterations": 200},
        },
        {
            "id": "save",
            "type": "database.save",
            "name": "Keep it",
            "parent": "each",
            "config": {"table": "signals", "object": "= item"},
        },
    ],
    "connections": [{"source": "start", "target": "each"}],
    "settings": {"broker_account": "paper"},
}
TRAINING: dict[str, Any] = {"account": "paper", "symbol": "EURUSD", "timeframe": "H1", "training_bars": 2000}


class Asked(Protocol):
    def get(self, path: str) -> Any: ...
    def post(self, path: str, body: Any = None) -> Any: ...


def signals(count: int) -> list[dict[str, Any]]:
    """Made by formula: the same each time."""
    begin = datetime(2017, 7, 3, 8, tzinfo=UTC)
    made = []
    for n in range(count):
        rsi = 50 + 28 * math.sin(n / 4.1) + 9 * math.sin(n * 1.7)
        made.append(
            {
                "symbol": ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")[n * 7 % 4],
                "signal": "oversold" if rsi < 35 else "overbought" if rsi > 65 else "neutral",
                "rsi": round(rsi, 2),
                "spread": round(0.6 + 0.5 * abs(math.sin(n)), 2),
                "profit": round(42 * math.sin(n / 6) + 18 * math.sin(n * 2.3) + 4, 2),
                "traded": rsi < 35,
                "seen_at": (begin + timedelta(hours=9 * n)).isoformat().replace("+00:00", "Z"),
            }
        )
    return made


def fill_tables(machine: Asked, count: int = 120) -> None:
    made = machine.post("/workflows", SIGNALS)
    wanted = {"payload": {"signals": signals(count)}, "wait_s": 25}
    machine.post(f"/workflows/{made['id']}/execute", wanted)
