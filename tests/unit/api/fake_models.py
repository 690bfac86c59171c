"""The models' adapter itself, on stores in memory; trainings are done when `train` returns."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from typing import Any

from tests.support.fake_models import FakeFiles
from tests.support.on_loop import on_loop
from tests.support.series import bars_from, eurusd_h1
from tradeloom.errors import InvalidInput, NotEnoughBars
from tradeloom.local.trained_models import LocalModels
from tradeloom.storage.memory.variables import MemoryVariables
from tradeloom.trading.bars import Bars, BarsReference


class AtOnce(Executor):
    def submit[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(work(*args, **kwargs))
        return done


class Market:
    """The bundled EURUSD bars, as far as `now`."""

    def __init__(self) -> None:
        self.columns: dict[str, Any] = eurusd_h1()
        self.now = datetime.fromtimestamp(int(self.columns["time"][2_000]), UTC)

    def time(self, account: str) -> datetime:
        if account != "paper":
            raise InvalidInput(f"There is no account {account!r} on this machine.", field="account")
        return self.now

    def bars(self, reference: BarsReference) -> Bars:
        end = int((self.columns["time"] + 3_600 <= reference.to.timestamp()).sum())
        if end < reference.count:
            raise NotEnoughBars(f"there are {end} bars of {reference.symbol}, not {reference.count}")
        return bars_from(self.columns, first=end - reference.count, end=end, to=reference.to)


def models_in_memory(market: Market | None = None) -> LocalModels:
    market = market or Market()
    return LocalModels(
        on_loop, MemoryVariables(), FakeFiles(), market_now=market.time, bars_of=market.bars, pool=AtOnce()
    )
