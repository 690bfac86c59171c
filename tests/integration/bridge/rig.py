"""A real bridge on real paper terminals, in a directory of its own: processes, mutual TLS, files."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from mt5_bridge.faultpoints import VARIABLE
from mt5_bridge.journal import Entry, Journal
from mt5_bridge.launcher import BridgeProcess
from mt5_bridge.paper.sample import write_sample_terminal
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    ModifyIntent,
    PendingOrderIntent,
    PendingType,
    Side,
    client_order_id,
)
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk_limits import RiskLimits

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
BARS = 400
LOGIN = 5_001_001
NIGHT = range(300, 310)
LIMITS = RiskLimits.for_paper(["EURUSD"], max_lot=Decimal(1), max_price_age_s=43_200).model_dump(mode="json")


def write_bars(path: Path) -> Path:
    """Hourly bids that rise by a pip an hour, so that every bar can be told from every other, with one closed night."""
    rows = ["time,open,high,low,close,volume"]
    for number in (number for number in range(BARS) if number not in NIGHT):
        opening = (MONDAY + timedelta(hours=number)).isoformat()
        price = 1.1 + number * 0.0001
        rows.append(
            f"{opening},{price:.5f},{price + 0.0002:.5f},{price - 0.0001:.5f},{price + 0.0001:.5f},{100 + number}"
        )
    path.write_text("\n".join(rows) + "\n")
    return path


class Rig:
    """One bridge with one paper account per name in `modes`. `faults` scripts the first account's terminal, `points`
    what the bridge's processes run into (`{"worker.sent": "kill"}`), each once. `csv` and `start` are other bars."""

    def __init__(
        self,
        directory: Path,
        *,
        modes: Mapping[str, Literal["netting", "hedging"]] | None = None,
        faults: list[dict[str, Any]] | None = None,
        points: Mapping[str, str] | None = None,
        account: Mapping[str, Any] | None = None,
        listen: Mapping[str, Any] | None = None,
        compat: Mapping[str, Any] | None = None,
        csv: Path | None = None,
        start: datetime = MONDAY + timedelta(hours=100),
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        names: dict[str, Literal["netting", "hedging"]] = dict(modes or {"paper": "hedging"})
        bars = csv or write_bars(directory / "bars.csv")
        for name, mode in names.items():
            file = write_sample_terminal(
                directory / name,
                start=start,
                csv=bars,
                margin_mode=mode,
                login=LOGIN,
            )
            if faults and name == next(iter(names)):
                file.write_text(json.dumps(json.loads(file.read_text()) | {"faults": faults}))
        accounts = [
            {"name": name, "terminal": "paper", "terminal_path": name, "login": LOGIN, "server_time_zone": "UTC"}
            | {"limits": LIMITS}
            | dict(account or {})
            for name in names
        ]
        self.config = directory / "bridge.json"
        document = {
            "data_dir": "data",
            "accounts": accounts,
            "listen": dict(listen or {}),
            "compat": dict(compat or {}),
        }
        self.config.write_text(json.dumps(document))
        armed = [f"{point}={action}:{directory / point}.mark" for point, action in (points or {}).items()]
        self.bridge = BridgeProcess(self.config, {VARIABLE: ",".join(armed)})
        # A worker that is replaced on a busy machine takes longer than callers are meant to wait.
        self.client = BridgeClient(self.bridge.state_file, read_timeout_s=45)

    def __enter__(self) -> Self:
        self.bridge.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.bridge.stop()

    def restart(self, points: Mapping[str, str] | None = None) -> None:
        """The bridge anew, running into `points` from now on."""
        self.bridge.stop()
        armed = [f"{point}={action}:{self.directory / point}.mark" for point, action in (points or {}).items()]
        self.bridge = BridgeProcess(self.config, {VARIABLE: ",".join(armed)})
        self.bridge.start()

    @property
    def broker(self) -> MT5Broker:
        return self.client.account("paper")

    def journal(self, order_id: str, account: str = "paper") -> Entry | None:
        """The order's row, read beside the bridge."""
        journal = Journal(self.directory / "data" / "accounts" / account / "journal.sqlite3")
        try:
            return journal.entry(order_id)
        finally:
            journal.close()

    def deals(self, account: str = "paper") -> list[int]:
        """Magic numbers of the broker's own deals, deposits left out: what really happened."""
        return self._magics("SELECT magic FROM deals WHERE order_ticket != 0 ORDER BY ticket", account)

    def orders(self, account: str = "paper") -> list[int]:
        """Magic numbers of the broker's own orders, whatever became of them."""
        return self._magics("SELECT magic FROM orders ORDER BY ticket", account)

    def _magics(self, query: str, account: str) -> list[int]:
        """Read from a copy, for the paper terminal lets nobody else into its books."""
        with tempfile.TemporaryDirectory() as copies:
            for file in (self.directory / account).glob("paper.db*"):
                shutil.copy(file, copies)
            with contextlib.closing(sqlite3.connect(Path(copies) / "paper.db")) as books:
                rows = books.execute(query).fetchall()
        return [int(row[0]) for row in rows]

    def worker_pid(self, account: str = "paper") -> int:
        """The process of the account's worker, waited for while it restarts."""
        found: list[int] = []

        def running() -> bool:
            found[:] = [self.client.health()["accounts"][account]["process"]]
            return found[0] is not None

        eventually(running, "the worker runs")
        return found[0]

    def buy(self, node: str = "n", **changes: Any) -> MarketOrderIntent:
        return MarketOrderIntent(**self._place(node) | {"side": Side.BUY, "volume": Decimal("0.1")} | changes)

    def close(self, position: int, node: str = "c", **changes: Any) -> CloseIntent:
        return CloseIntent(**self._place(node) | {"position": position} | changes)

    def limit(self, node: str = "p", **changes: Any) -> PendingOrderIntent:
        """A buy limit far below the market, which only ever rises."""
        values = {"side": Side.BUY, "type": PendingType.LIMIT, "volume": Decimal("0.1"), "price": Decimal("1.05")}
        return PendingOrderIntent(**self._place(node) | values | changes)

    def modify(self, ticket: int, node: str = "m", **changes: Any) -> ModifyIntent:
        return ModifyIntent(**self._place(node) | {"target": "position", "ticket": ticket} | changes)

    def cancel(self, order: int, node: str = "x", **changes: Any) -> CancelIntent:
        return CancelIntent(**self._place(node) | {"order": order} | changes)

    def _place(self, node: str) -> dict[str, Any]:
        now = MONDAY + timedelta(hours=100)
        return {
            "client_order_id": client_order_id("execution", node),
            "account": "paper",
            "execution_id": "execution",
            "workflow_id": "workflow",
            "node_id": node,
            "created_at": now,
            "deadline": now + timedelta(days=30),
            "symbol": "EURUSD",
        }


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(check: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    give_up = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < give_up, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)
