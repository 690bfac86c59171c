"""Speed of the bridge over mutual TLS, through front and worker, on a paper terminal.

Run it as a script: `python tests/bench/bench_bridge.py [--json]`. Required: a round trip of a call the front answers
under 0.3 ms (median), 5,000 bars under 8 ms (median). Orders a second are shown beside the disk's own limit, a small
SQLite transaction with a full sync.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from mt5_bridge.launcher import BridgeProcess, write_paper_config
from mt5_bridge.paper.sample import write_sample_terminal
from tradeloom.trading import methods, protocol
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.intents import MarketOrderIntent, OutcomeStatus, Side, client_order_id
from tradeloom.trading.mt5_client import BridgeClient, MT5Broker
from tradeloom.trading.mt5_transport import Endpoint, _Link
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.timeframes import Timeframe

DATA = Path(__file__).parents[2] / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"
START = datetime(2017, 12, 1, 12, tzinfo=UTC)
BARS = 5_000
REQUIRED_MS = {"round_trip": 0.3, "bars_5000": 8.0}


def median_ms(call: Callable[[], object], times: int) -> float:
    """Median milliseconds of a call, after a tenth as many to warm up."""
    for _ in range(times // 10 + 1):
        call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[times // 2] * 1000


def round_trip_ms(state_file: Path) -> float:
    """One call on an open connection, answered by the front without a worker: what the transport costs."""
    link = _Link(Endpoint.from_state_file(state_file), 5)
    payload = protocol.encode_request("nobody", methods.NoParams())
    try:
        return median_ms(lambda: link.call("account", payload, 5), 2_000)
    finally:
        link.close()


def bars_ms(broker: MT5Broker) -> float:
    reference = BarsReference(
        account="paper", symbol="EURUSD", timeframe=Timeframe.H1, to=START, count=BARS - 1_000, warmup=1_000
    )
    assert len(broker.bars(reference)) == BARS
    return median_ms(lambda: broker.bars(reference), 200)


def orders(broker: MT5Broker, count: int) -> tuple[float, float]:
    """Median milliseconds of an order, and orders a second one after another."""
    now = broker.market_time()
    intents = [
        MarketOrderIntent(
            client_order_id=client_order_id("bench", str(number)),
            account="paper",
            execution_id="bench",
            workflow_id="bench",
            node_id=str(number),
            created_at=now,
            deadline=now + timedelta(days=1),
            symbol="EURUSD",
            side=Side.BUY if number % 2 else Side.SELL,
            volume=Decimal("0.01"),
        )
        for number in range(count + count // 10 + 1)
    ]
    waiting = iter(intents)

    def send() -> None:
        assert broker.send(next(waiting)).status is OutcomeStatus.DONE

    started = time.perf_counter()
    median = median_ms(send, count)
    return median, len(intents) / (time.perf_counter() - started)


def commits_per_second(directory: Path, count: int = 300) -> float:
    books = sqlite3.connect(directory / "disk.sqlite3", isolation_level=None)
    books.execute("PRAGMA journal_mode = WAL")
    books.execute("PRAGMA synchronous = FULL")
    books.execute("CREATE TABLE t (a)")
    started = time.perf_counter()
    for _ in range(count):
        books.execute("INSERT INTO t VALUES (?)", ("x" * 300,))
    took = time.perf_counter() - started
    books.close()
    return count / took


def measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_sample_terminal(directory / "terminal", start=START, csv=DATA, login=1, margin_mode="netting")
        limits = RiskLimits.for_paper(
            ("EURUSD",),
            max_lot=Decimal(1),
            max_price_age_s=86_400,
            max_orders_per_minute=1_000_000,  # the market's clock stands while they are sent
            max_repeats=1_000_000,
        )
        config = write_paper_config(
            directory / "bridge.json",
            data_dir=directory / "data",
            terminal_path=directory / "terminal",
            login=1,
            limits=limits,
        )
        with BridgeProcess(config) as bridge:
            client = BridgeClient(bridge.state_file)
            broker = client.account("paper")
            order_ms, order_rate = orders(broker, 200)
            figures = {
                "round_trip": round_trip_ms(bridge.state_file),
                "market_clock": median_ms(broker.market_clock, 1_000),
                "tick": median_ms(lambda: broker.tick("EURUSD"), 1_000),
                "bars_5000": bars_ms(broker),
                "order": order_ms,
                "orders_per_second": order_rate,
                "disk_commits_per_second": commits_per_second(directory),
            }
            client.close()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure()
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            unit = "/s" if name.endswith("per_second") else " ms"
            required = f"  (required: under {REQUIRED_MS[name]:g} ms)" if name in REQUIRED_MS else ""
            print(f"{name:26}{value:10.3f}{unit}{required}")
    return 0 if all(figures[name] < limit for name, limit in REQUIRED_MS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
