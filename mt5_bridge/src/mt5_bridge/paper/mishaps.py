"""What is going wrong between a client and its broker: the script of faults, requests still on their way, history that
lags, a line that is down or leads to another account."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from mt5_bridge.paper import faults
from mt5_bridge.paper.faults import Fault, RandomFaults
from mt5_bridge.paper.store import Store
from mt5_bridge.paper.structs import TradeRequest

_SCRIPT = "faults"
_IN_FLIGHT = "in_flight"


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request whose execution is to come. `ticket` is that of the order the broker has accepted; 0: it has not even
    come in. Not `executed`: the accepted order is to be rejected."""

    login: int
    ticket: int
    executed: bool
    request: TradeRequest
    due_s: float


class Mishaps:
    """`wall` gives monotonic seconds. Requests in flight are the broker's business: they land even if the terminal is
    killed meanwhile, at its next start. The rest ends with the terminal, whose next start connects anew."""

    def __init__(self, store: Store, wall: Callable[[], float], seed: int, at_random: RandomFaults | None) -> None:
        self._store = store
        self._wall = wall
        self._seed = seed
        self._random = at_random
        self.connected = True
        self.crossed = False
        self.in_flight = self._load()
        self._history_gap: tuple[int, int, float] | None = None

    @property
    def script(self) -> list[Fault]:
        """What the next sends will run into, first one first."""
        return faults.load_script(self._store.meta(_SCRIPT) or "[]")

    def arm(self, fault: Fault) -> None:
        with self._store.transaction():
            self._store.put_meta(_SCRIPT, faults.dump_script([*self.script, fault]))

    def take(self, ticket: int, attempt: int) -> Fault | None:
        """The fault the request at hand runs into: used up when this returns. `ticket` and `attempt` number it."""
        if not self.connected:
            return None
        if script := self.script:
            with self._store.transaction():
                self._store.put_meta(_SCRIPT, faults.dump_script(script[1:]))
            return script[0]
        if self._random is None:
            return None
        draw = random.Random(f"{self._seed}/fault/{ticket}/{attempt}")  # noqa: S311
        return draw.choice(self._random.faults) if draw.random() < self._random.rate else None

    def reconnect(self) -> None:
        self.connected, self.crossed = True, False

    # Requests on their way

    def delay(self, login: int, request: TradeRequest, fault: Fault, ticket: int = 0) -> None:
        executed = fault.executes
        self.in_flight.append(InFlight(login, ticket, executed, request, self._wall() + fault.delay_s))
        with self._store.transaction():
            self._put()

    def due(self) -> list[InFlight]:
        now = self._wall()
        return [flight for flight in self.in_flight if flight.due_s <= now]

    def land(self, flight: InFlight) -> None:
        self.in_flight.remove(flight)
        self._put()

    def reload(self) -> None:
        """After a change that the disk refused: what is in flight, as it is stored."""
        due = {(flight.login, flight.ticket, flight.request): flight.due_s for flight in self.in_flight}
        self.in_flight = [
            InFlight(f.login, f.ticket, f.executed, f.request, due.get((f.login, f.ticket, f.request), f.due_s))
            for f in self._load()
        ]

    def _put(self) -> None:
        rows = [[f.login, f.ticket, f.executed, list(f.request)] for f in self.in_flight]
        self._store.put_meta(_IN_FLIGHT, json.dumps(rows))

    def _load(self) -> list[InFlight]:
        rows = json.loads(self._store.meta(_IN_FLIGHT) or "[]")
        return [
            InFlight(login, ticket, executed, TradeRequest(*request), self._wall())
            for login, ticket, executed, request in rows
        ]

    # History that lags

    def hide_history(self, first_order: int, first_deal: int, seconds: float) -> None:
        """For so long the history does not show orders and deals from these tickets on."""
        self._history_gap = first_order, first_deal, self._wall() + seconds

    def history_gap(self) -> tuple[int, int] | None:
        """The first order and the first deal the history does not show yet; None when it shows all."""
        if self._history_gap is not None and self._wall() >= self._history_gap[2]:
            self._history_gap = None
        return None if self._history_gap is None else self._history_gap[:2]
