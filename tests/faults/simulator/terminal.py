"""The terminal between worker and trade server: it lags, loses its connection, is restarted, hangs and misspeaks.

A request, once it has left, is executed by the server whether or not anybody is still there to hear of it. Faults end
at the schedule's `calm_at`; `LATEST_EXECUTION_S` and `LONGEST_LAG_S` bound what a broker does late, and the bridge's
history horizon is longer than both together, as its documentation asks for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.paper.structs import AccountInfo, OrderCheckResult, OrderSendResult, SymbolInfo, TerminalInfo, Tick
from tests.faults.simulator.broker import ASK, BID, OTHER_SYMBOL, SYMBOL, Reply, Server
from tests.faults.simulator.kernel import Crash, Kernel, Process
from tests.unit.mt5_bridge.fake_terminal import LOGIN

LATEST_EXECUTION_S = 3.0
LONGEST_LAG_S = 2.0
_NO_ERROR = (1, "Success")
_CALL_FAILED = (-1, "Terminal: Call failed")
_NO_CONNECTION = (-10004, "No IPC connection")
_TIMED_OUT = (-10005, "IPC timeout")


def _blank[T: tuple[Any, ...]](kind: type[T], **values: Any) -> T:
    """A struct of zeros but for `values`."""
    hints = kind.__annotations__
    return kind(**{name: values.get(name, "" if hints[name] is str else 0) for name in hints})


_SYMBOLS = {
    name: _blank(
        SymbolInfo, name=name, select=True, visible=True, digits=5, point=0.00001, trade_tick_size=0.00001,
        volume_min=0.01, volume_max=100.0, volume_step=0.01, filling_mode=3, trade_exemode=2, trade_mode=4,
        trade_contract_size=1e5,
        trade_tick_value=1.0, trade_tick_value_profit=1.0, trade_tick_value_loss=1.0, currency_base=name[:3],
        currency_profit="USD", currency_margin=name[:3], bid=BID, ask=ASK, volume_limit=0.0,
    )
    for name in (SYMBOL, OTHER_SYMBOL)
}  # fmt: skip
_CONNECTED = _blank(TerminalInfo, connected=True, trade_allowed=True)
_DISCONNECTED = _CONNECTED._replace(connected=False)
_CHECKED = _blank(OrderCheckResult, comment="Done")
_DEMO = _blank(
    AccountInfo, login=LOGIN, trade_mode=0, leverage=100, margin_mode=2, currency_digits=2, balance=1e6, equity=1e6,
    margin_free=1e6, currency="USD", trade_allowed=True, trade_expert=True,
)  # fmt: skip


@cache
def _account(live: bool, hedging: bool) -> AccountInfo:
    margin_mode = mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING if hedging else 0
    return _DEMO._replace(trade_mode=2 if live else 0, margin_mode=margin_mode)


@dataclass(slots=True)
class Misbehaviour:
    """How likely each kind of trouble is. `send` is per transmission, `read` per reading of the terminal."""

    send: float = 0.0
    read: float = 0.0
    lag: float = 0.0


@dataclass(slots=True)
class Observed:
    """What the invariants on the gate are judged by: the transmissions, with when their admission began."""

    requests: list[tuple[float, dict[str, Any]]] = field(default_factory=list)


class SimulatedTerminal:
    """One terminal process. Workers come and go; each reaches it through a `Connection`."""

    def __init__(
        self, kernel: Kernel, server: Server, rng: Random, trouble: Misbehaviour, *, live: bool, calm_at: float
    ) -> None:
        self.kernel = kernel
        self.server = server
        self.rng = rng
        self.trouble = trouble
        self.calm_at = calm_at
        self.observed = Observed()
        self.connected = True
        self.account = _account(live, server.hedging)
        self.stale_quote_s = 0.0
        self._lists_from = 0.0
        self._shown_from: dict[int, float] = {}
        self._known = 0

    @property
    def calm(self) -> bool:
        return self.kernel.now >= self.calm_at

    def lose_connection(self, seconds: float) -> None:
        """To the trade server. When it is back, records made meanwhile arrive within the longest lag."""
        if not self.connected:
            return
        self.kernel.say("terminal", f"loses its connection for {seconds:.2f} s")
        self._note_records()
        self.connected = False
        self.kernel.at(seconds, self._come_back)

    def restart(self) -> None:
        """The terminal itself: positions and orders are not listed until it has synchronised again."""
        self.kernel.say("terminal", "restarts")
        self._note_records()
        self.connected = False
        self._lists_from = self.kernel.now + 2.0
        self.kernel.at(1.0, self._come_back)

    def _come_back(self) -> None:
        now = self.kernel.now
        self._note_records()
        for ticket, shown in self._shown_from.items():
            if shown > now:
                self._shown_from[ticket] = now + self.rng.uniform(0.0, LONGEST_LAG_S)
        self.connected = True
        self.kernel.say("terminal", "is connected")

    def shows(self, ticket: int) -> bool:
        """Whether a deal or history order has arrived at the terminal."""
        return self._shown_from.get(ticket, 0.0) <= self.kernel.now

    def lists(self) -> bool:
        return self.kernel.now >= self._lists_from

    def note_deal(self) -> None:
        """Called at each deal: gives the records that came with it the moment they are seen at."""
        lag = self.rng.uniform(0.0, LONGEST_LAG_S) if self.rng.random() < self.trouble.lag and not self.calm else 0.0
        self._note_records(lag)

    def _note_records(self, lag: float = 0.0) -> None:
        server = self.server
        known = len(server.deals) + len(server.history)
        if known == self._known:
            return
        self._known = known
        shown = self.kernel.now + lag if self.connected else float("inf")
        records: list[Any] = [*server.deals, *server.history]
        for record in records:
            self._shown_from.setdefault(record.ticket, shown)


class Connection:
    """What a worker holds: the `Terminal` port, as long as its process lives."""

    def __init__(self, terminal: SimulatedTerminal, process: Process) -> None:
        self._terminal = terminal
        self._kernel = terminal.kernel
        self._server = terminal.server
        self._process = process
        self._error = _NO_ERROR
        self._admission_began = 0.0

    def initialize(self, path: str, /, **options: Any) -> bool:
        return True

    def shutdown(self) -> None:
        pass

    def last_error(self) -> tuple[int, str]:
        return self._error

    def terminal_info(self) -> Any:
        return None if self._fails() else _CONNECTED if self._terminal.connected else _DISCONNECTED

    def account_info(self) -> Any:
        self._kernel.point(self._process, "an admission")
        self._admission_began = self._kernel.now
        return None if self._fails() else self._terminal.account

    def symbol_info(self, symbol: str, /) -> Any:
        return None if self._fails() else _SYMBOLS.get(symbol)

    def symbol_info_tick(self, symbol: str, /) -> Any:
        if self._fails():
            return None
        at = self._kernel.time() - self._terminal.stale_quote_s
        return Tick(int(at), BID, ASK, 0.0, 0, int(at * 1000), 0, 0.0)

    def symbol_select(self, symbol: str, enable: bool, /) -> bool:
        return True

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: int, count: int, /) -> Any:
        return None

    def copy_ticks_from(self, symbol: str, date_from: int, count: int, flags: int, /) -> Any:
        return None

    def positions_get(self, **filters: Any) -> Any:
        if self._fails():
            return None
        return _matching(self._server.positions.values(), filters) if self._terminal.lists() else ()

    def orders_get(self, **filters: Any) -> Any:
        if self._fails():
            return None
        if not self._terminal.lists():
            return ()
        leaving = [order for order in self._server.leaving if not self._terminal.shows(order.ticket)]
        return _matching([*self._server.orders.values(), *leaving], filters)

    def history_orders_get(self, *dates: int, **filters: Any) -> Any:
        if self._fails():
            return None
        self._terminal.note_deal()
        return self._shown(_matching(self._server.history, filters))

    def history_deals_get(self, *dates: int, **filters: Any) -> Any:
        if self._fails():
            return None
        self._terminal.note_deal()
        wanted = {_OF_A_DEAL[name]: value for name, value in filters.items()}
        return self._shown(_matching(self._server.deals, wanted))

    def order_calc_profit(self, action: int, symbol: str, volume: float, opened: float, closed: float, /) -> Any:
        return (closed - opened) * volume * 1e5 * (1 if action == mt5.ORDER_TYPE_BUY else -1)

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float, /) -> Any:
        return volume * 1e5 * price / 100

    def order_check(self, request: dict[str, Any], /) -> Any:
        return None if self._fails() else _CHECKED

    def order_send(self, request: dict[str, Any], /) -> Any:
        terminal, kernel = self._terminal, self._kernel
        kernel.point(self._process, "order_send")
        terminal.observed.requests.append((self._admission_began, dict(request)))
        if kernel.trace is not None:
            kernel.say(self._process.name, f"order_send {_brief(request)}")
        if not terminal.connected:
            return self._answer(request, Reply(10031, comment="No connection"))
        rng = terminal.rng
        if terminal.calm or rng.random() >= terminal.trouble.send:
            return self._after(request, rng.uniform(0.005, 0.08), lambda: self._server.carry_out(request))
        deals = request["action"] == mt5.TRADE_ACTION_DEAL
        trouble = rng.choice(_DEAL_TROUBLES if deals else _OTHER_TROUBLES)
        kernel.say("broker", f"trouble: {trouble.__name__[1:]}")
        return trouble(self, dict(request))

    # What may go wrong with a request

    def _partly(self, request: dict[str, Any]) -> Any:
        share = 0.5 if request["volume"] >= 0.02 else 1.0
        return self._after(request, 0.05, lambda: self._server.carry_out(request, share))

    def _refused_for_now(self, request: dict[str, Any]) -> Any:
        code = self._terminal.rng.choice((10004, 10020, 10021, 10023, 10024, 10028, 10029, 10030))
        return self._after(request, 0.05, lambda: Reply(code, comment="not now"))

    def _refused(self, request: dict[str, Any]) -> Any:
        """For good; some brokers leave a dead order behind."""
        code = self._terminal.rng.choice((10006, 10013, 10017, 10018, 10019))
        leaves_order = code == 10006 and request["action"] == mt5.TRADE_ACTION_DEAL

        def refuse() -> Reply:
            if leaves_order:
                self._server.reject(request)
            return Reply(code, comment="refused")

        return self._after(request, 0.05, refuse)

    def _accepted(self, request: dict[str, Any]) -> Any:
        """10008: filled, in one deal or two, in part or not at all, at once or later."""
        half = 0.5 if request["volume"] >= 0.02 else 1.0
        shares = self._terminal.rng.choice(((1.0,), (1.0,), (half, 1.0 - half), (half,), ()))
        delay = self._terminal.rng.uniform(0.0, LATEST_EXECUTION_S / 2)

        def accept() -> Reply:
            ticket = self._server.accept(request)
            self._kernel.at(delay, lambda: self._server.fulfil(ticket, request, shares))
            return Reply(10008, order=ticket, comment="Request placed")

        return self._after(request, 0.05, accept)

    def _nobody_knows(self, request: dict[str, Any]) -> Any:
        """A code, no answer or an exception that says nothing of what the server did: all, or nothing, now or late."""
        self._perhaps_executed(request)
        rng = self._terminal.rng
        match rng.randrange(4):
            case 0:
                self._kernel.sleep(0.1)
                return self._answer(request, Reply(rng.choice((10011, 10012)), comment="Request timed out"))
            case 1:
                self._kernel.sleep(rng.uniform(0.1, 1.0))
                return self._none(_TIMED_OUT)
            case 2:
                self._kernel.sleep(0.1)
                return self._none(_CALL_FAILED)
        raise SystemError("<built-in function order_send> returned a result with an exception set")

    def _hangs(self, request: dict[str, Any]) -> Any:
        self._perhaps_executed(request)
        self._kernel.sleep(1e6)
        return None

    def _never_left(self, request: dict[str, Any]) -> Any:
        return self._none(_NO_CONNECTION)

    def _perhaps_executed(self, request: dict[str, Any]) -> None:
        rng = self._terminal.rng
        when = rng.choice((0.02, 0.02, rng.uniform(0.0, LATEST_EXECUTION_S), None))
        if when is not None:
            share = 0.5 if rng.random() < 0.2 and request["volume"] >= 0.02 else 1.0
            self._kernel.at(when, lambda: self._execute_late(request, share))

    def _execute_late(self, request: dict[str, Any], share: float) -> None:
        self._server.carry_out(request, share)

    def _after(self, request: dict[str, Any], latency: float, act: Callable[[], Reply]) -> Any:
        """The server acts half-way; the worker may not live to hear of it."""
        replies: list[Reply] = []
        self._kernel.at(latency / 2, lambda: replies.append(act()))
        self._kernel.sleep(latency)
        self._kernel.point(self._process, "the answer to order_send")
        return self._answer(request, replies[0])

    def _answer(self, request: dict[str, Any], reply: Reply) -> Any:
        self._error = _NO_ERROR
        return OrderSendResult(
            reply.retcode, reply.deal, reply.order, reply.volume, reply.price, BID, ASK, reply.comment, 0, 0,
            request,  # type: ignore[arg-type]  # nobody reads the request's echo
        )  # fmt: skip

    def _none(self, error: tuple[int, str]) -> None:
        self._error = error

    def _shown(self, records: Sequence[Any]) -> tuple[Any, ...]:
        """Those that have arrived at the terminal."""
        shows = self._terminal.shows
        return tuple([record for record in records if shows(record.ticket)])

    def _fails(self) -> bool:
        if not self._process.alive:
            raise Crash
        terminal = self._terminal
        trouble = terminal.trouble.read
        if trouble and self._kernel.now < terminal.calm_at and terminal.rng.random() < trouble:
            self._error = terminal.rng.choice((_CALL_FAILED, _CALL_FAILED, _NO_CONNECTION, _TIMED_OUT))
            self._kernel.say("terminal", f"a reading fails: {self._error[1]}")
            return True
        self._error = _NO_ERROR
        return False


type _Trouble = Callable[[Connection, dict[str, Any]], Any]
_OTHER_TROUBLES: tuple[_Trouble, ...] = (
    Connection._refused_for_now, Connection._refused, Connection._nobody_knows, Connection._nobody_knows,
    Connection._hangs, Connection._never_left,
)  # fmt: skip
_DEAL_TROUBLES: tuple[_Trouble, ...] = (*_OTHER_TROUBLES, Connection._partly, Connection._accepted)


_OF_A_DEAL = {"ticket": "order", "position": "position_id"}
"""What deals are asked for by, and what they name it."""


def _matching(records: Any, filters: dict[str, Any]) -> tuple[Any, ...]:
    if not filters:
        return tuple(records)
    ((name, value),) = filters.items()
    return tuple([record for record in records if getattr(record, name) == value])


def _brief(request: dict[str, Any]) -> str:
    names = ("action", "type", "symbol", "volume", "position", "order")
    return " ".join(f"{name}={request[name]}" for name in names if name in request)
