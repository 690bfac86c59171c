"""From the API's threads to the loop: results, errors, time-outs, and a loop that is gone."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tradeloom.errors import NotFound, StorageUnavailable
from tradeloom.local.bridging import OnLoop

pytestmark = pytest.mark.enable_socket  # an event loop has a pair of its own


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _answer() -> int:
    return 42


async def _refuse() -> None:
    raise NotFound("it is not there")


async def _too_late() -> None:
    raise TimeoutError("of its own")


def test_results_and_errors_come_back(loop: asyncio.AbstractEventLoop) -> None:
    on_loop = OnLoop(loop)
    assert on_loop(_answer()) == 42
    with pytest.raises(NotFound):
        on_loop(_refuse())
    with pytest.raises(TimeoutError, match="of its own"):
        on_loop(_too_late())


def test_what_takes_too_long_is_given_up_and_stopped(loop: asyncio.AbstractEventLoop) -> None:
    stopped = threading.Event()

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    with pytest.raises(StorageUnavailable, match="in time"):
        OnLoop(loop)(endless(), timeout_s=0.05)
    assert stopped.wait(60)


def test_after_the_end_it_says_so(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon_threadsafe(loop.stop)
    while loop.is_running():
        pass
    loop.close()
    with pytest.raises(StorageUnavailable, match="shutting down"):
        OnLoop(loop)(_answer())
