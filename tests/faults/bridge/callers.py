"""Ten processes that send the same intent at the same moment: `python -m tests.faults.bridge.callers STATE_FILE`.

The intent comes as JSON on standard input; each process prints one line, the outcome it was told.
"""

import multiprocessing
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from pydantic import TypeAdapter

from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient

CALLERS = 10


def call(state_file: Path, intent: OrderIntent, together: Barrier) -> None:
    client = BridgeClient(state_file)
    account = client.account(intent.account)
    account.market_clock()  # connected, so that all that is left is to send
    together.wait()
    line = send_until_told(account, intent).model_dump_json()
    sys.stdout.write(line + "\n")  # one write of less than a page: lines stay whole
    sys.stdout.flush()
    client.close()


def send_until_told(account: MT5Broker, intent: OrderIntent) -> OrderOutcome:
    """As the engine does: again under the same id, while the bridge says that nothing was sent."""
    give_up = time.monotonic() + 90
    while True:
        try:
            return account.send(intent)
        except BrokerUnavailable:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def main(state_file: Path) -> None:
    intent: OrderIntent = TypeAdapter(OrderIntent).validate_json(sys.stdin.read())
    fork = multiprocessing.get_context("fork")  # nothing here has threads yet
    together = fork.Barrier(CALLERS)
    callers = [fork.Process(target=call, args=(state_file, intent, together)) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
