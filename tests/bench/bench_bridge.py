"""Speed of the bridge over mutual TLS, through front and worker, on a paper terminal.

Run it as a script: `python -m tests.bench.bench_bridge [--json] [--asleep]`. Processors are kept awake while it
measures, as `TRADELOOM_AWAKE` does on a host that trades, unless it says `--asleep` or may not. Required: a round trip
of a call the front answers under 0.3 ms (median), 5,000 bars under 8 ms (median), 1,000 orders a second through the
journals of several accounts, or the disk's limit. That limit is measured beside it in the same run: an order costs its
journal three synced commits (claimed, sent, settled), none of which may be put off, so one account cannot be faster
than a third of the commits the disk takes one after another. Accounts have a journal each, and the file system lets
their syncs share. Beside the round trip stands what this machine needs to carry as many bytes there and back over bare
TLS between two processes.
"""

import argparse
import json
import multiprocessing
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from mt5_bridge.certificates import SERVER_NAME, Certificates, ensure_certificates
from mt5_bridge.journal import Journal
from mt5_bridge.launcher import BridgeProcess, write_paper_config
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.server import server_context
from tradeloom.local.wakefulness import processors_awake
from tradeloom.trading import methods, protocol
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.intents import MarketOrderIntent, OrderOutcome, OutcomeStatus, Side, client_order_id
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint, _Link, tls_context
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


REQUEST_BYTES, REPLY_BYTES = 240, 120
"""About what a call and its answer are on the wire."""


def echo(listener: socket.socket, certificates: Certificates) -> None:
    """Answers one connection's requests until it ends, and does nothing else."""
    with server_context(certificates).wrap_socket(listener.accept()[0], server_side=True) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while peer.recv(REQUEST_BYTES):
            peer.sendall(bytes(REPLY_BYTES))


def bare_tls_ms(directory: Path) -> float:
    """There and back under the bridge's mutual TLS, with nothing of the bridge between."""
    made = ensure_certificates(directory)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = multiprocessing.get_context("spawn").Process(target=echo, args=(listener, made), daemon=True)
        other.start()
        host, port = listener.getsockname()
        endpoint = Endpoint(
            host=host, port=port, server_name=SERVER_NAME, ca=made.ca, certificate=made.client, key=made.client_key
        )
        plain = socket.create_connection((host, port))
        with tls_context(endpoint).wrap_socket(plain, server_hostname=endpoint.server_name) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def there_and_back() -> None:
                peer.sendall(bytes(REQUEST_BYTES))
                assert peer.recv(REPLY_BYTES)

            median = median_ms(there_and_back, 2_000)
        other.join()
    return median


def bars_ms(broker: MT5Broker) -> float:
    reference = BarsReference(
        account="paper", symbol="EURUSD", timeframe=Timeframe.H1, to=START, count=BARS - 1_000, warmup=1_000
    )
    assert len(broker.bars(reference)) == BARS
    return median_ms(lambda: broker.bars(reference), 200)


def order_intents(execution: str, count: int, now: datetime = START) -> list[MarketOrderIntent]:
    return [
        MarketOrderIntent(
            client_order_id=client_order_id(execution, str(number)),
            account="paper",
            execution_id=execution,
            workflow_id="bench",
            node_id=str(number),
            created_at=now,
            deadline=now + timedelta(days=1),
            symbol="EURUSD",
            side=Side.BUY if number % 2 else Side.SELL,
            volume=Decimal("0.01"),
        )
        for number in range(count)
    ]


def orders(broker: MT5Broker, count: int) -> tuple[float, float]:
    """Median milliseconds of an order, and orders a second one after another."""
    intents = order_intents("bench", count + count // 10 + 1, broker.market_time())
    waiting = iter(intents)

    def send() -> None:
        assert broker.send(next(waiting)).status is OutcomeStatus.DONE

    started = time.perf_counter()
    median = median_ms(send, count)
    return median, len(intents) / (time.perf_counter() - started)


SYNCS_PER_ORDER = 3
JOURNAL_ORDERS = 300


def journal_orders_per_second(directory: Path, accounts: int) -> float:
    """Orders through as many journals at once, without terminal and network: what the bridge's promise costs."""
    journals = [Journal(directory / f"{accounts}-{number}.sqlite3") for number in range(accounts)]
    books = [(journal, order_intents(str(number), JOURNAL_ORDERS)) for number, journal in enumerate(journals)]
    with ThreadPoolExecutor(accounts) as pool:
        started = time.perf_counter()
        list(pool.map(lambda book: keep(*book), books))
        took = time.perf_counter() - started
    for journal in journals:
        journal.close()
    return accounts * JOURNAL_ORDERS / took


def keep(journal: Journal, intents: list[MarketOrderIntent]) -> None:
    for number, intent in enumerate(intents):
        journal.claim(intent)
        journal.sending(intent.client_order_id, {"action": 1, "symbol": "EURUSD", "volume": 0.01}, START)
        filled = {"order": number + 1, "deal": number + 1, "position": number + 1, "price": 1.1}
        journal.settle(OrderOutcome(client_order_id=intent.client_order_id, status=OutcomeStatus.DONE, **filled))


def syncs_per_second(directory: Path, count: int = 300) -> float:
    """The bare disk: a page written and synced, again and again."""
    file = os.open(directory / "disk", os.O_RDWR | os.O_CREAT, 0o600)
    started = time.perf_counter()
    for _ in range(count):
        os.write(file, bytes(4096))
        os.fsync(file)
    took = time.perf_counter() - started
    os.close(file)
    return count / took


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
                "bare_tls": bare_tls_ms(directory / "bare"),
                "market_clock": median_ms(broker.market_clock, 1_000),
                "tick": median_ms(lambda: broker.tick("EURUSD"), 1_000),
                "bars_5000": bars_ms(broker),
                "order": order_ms,
                "orders_per_second": order_rate,
                "disk_commits_per_second": commits_per_second(directory),
                "disk_syncs_per_second": syncs_per_second(directory),
            }
            client.close()
        for accounts in (1, 4, 8):
            figures[f"journal_{accounts}_orders_per_second"] = journal_orders_per_second(directory, accounts)
    limit = figures["disk_commits_per_second"] / SYNCS_PER_ORDER
    figures["journal_share_of_disk_limit"] = figures["journal_1_orders_per_second"] / limit
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--asleep", action="store_true", help="let processors sleep between two calls")
    options = parser.parse_args()
    with processors_awake(not options.asleep) as awake:
        figures = measure()
    if options.json:
        print(json.dumps(figures | {"processors_awake": awake}))
    else:
        print(f"processors {'kept awake' if awake else 'sleep in between'}")
        for name, value in figures.items():
            unit = "/s" if name.endswith("per_second") else "" if name.endswith("limit") else " ms"
            required = ""
            if name in REQUIRED_MS:
                limit = REQUIRED_MS[name]
                required = f"  (required: under {limit:g} ms; {value / limit:.2f} of it)"
            print(f"{name:30}{value:10.3f}{unit}{required}")
    return 0 if all(figures[name] < limit for name, limit in REQUIRED_MS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
