"""One schedule, run: engines hand in their intents through the real client, faults strike, everything settles."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.faults.simulator.bridge import Machine, seen_by_the_front
from tests.faults.simulator.broker import Server
from tests.faults.simulator.disk import Disk
from tests.faults.simulator.kernel import Kernel, Process
from tests.faults.simulator.network import SimulatedTransport
from tests.faults.simulator.schedule import ACCOUNT, CALM_AT_S, END_S, HORIZON_S, Schedule, Wish, draw
from tests.faults.simulator.terminal import SimulatedTerminal
from tradeloom.errors import TradeloomError
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState

_AUDIT_S = 1e4
_AFTERMATH_S = 65.0
"""How much longer the world goes on once the audit is over: longer than an idle worker sleeps, twice."""
_PATIENCE_S = 60.0
_RESTS_S = 60.0
_TRIES = 6
_FINAL = frozenset(OutcomeStatus) - {OutcomeStatus.UNKNOWN, OutcomeStatus.PLACED}


@dataclass(slots=True)
class Told:
    """What the engines learned of one intent: outcomes in the order they came."""

    intents: list[OrderIntent] = field(default_factory=list)
    outcomes: list[OrderOutcome] = field(default_factory=list)
    last: OrderOutcome | None = None
    done: int = 0


class World:
    """Everything of a schedule. After `run`, `verdicts` of `invariants` judges it."""

    def __init__(self, schedule: Schedule, *, tracing: bool = False) -> None:
        self.schedule = schedule
        self.kernel = Kernel({point: partial(self._strike, whom) for point, whom in schedule.strikes}, tracing=tracing)
        _KERNEL[:] = [self.kernel]
        self.disk = Disk()
        self.server = Server(self.kernel, hedging=schedule.hedging, rewrites=schedule.rewrites)
        self.terminal = SimulatedTerminal(
            self.kernel, self.server, schedule.rng, schedule.trouble, live=schedule.live, calm_at=CALM_AT_S
        )
        self.server.on_deal = self.terminal.note_deal
        self.machine = Machine(self.kernel, self.disk, self.terminal, schedule.config, schedule.rng)
        if any(what in ("disconnect", "terminal restart") for _, what, _ in schedule.happenings):
            self.machine.watch_until = 2 * CALM_AT_S
        self.told = [Told() for _ in schedule.wishes]
        self.halts: list[tuple[float, AccountState]] = []
        self.audited: list[OrderOutcome | TradeloomError | None] = [None] * len(schedule.wishes)
        self._engines: dict[int, list[Process]] = {}

    def run(self) -> "World":
        kernel = self.kernel
        self.machine.start_front()
        for wish in self.schedule.wishes:
            for at in wish.engines:
                kernel.at(at, partial(self._start_engine, wish, 0))
        for at, what, detail in self.schedule.happenings:
            kernel.at(at, partial(self._happen, what, detail))
        kernel.run(END_S)
        auditor = Process("auditor")
        kernel.spawn(auditor, partial(self._audit, auditor))
        until = END_S
        while auditor.tasks and until < END_S + _AUDIT_S:
            until += _AFTERMATH_S
            kernel.run(until)
        kernel.run(until + _AFTERMATH_S)
        self._end()
        return self

    def _end(self) -> None:
        """Stops everything, and undoes the circles in which the world holds itself: what need not be looked for by the
        collector is taken away at once, while the cache still holds it."""
        self.kernel.end()
        self.machine.end()
        self.server.on_deal = lambda: None

    # Engines

    def _start_engine(self, wish: Wish, decision: int) -> None:
        process = Process(f"engine {wish.number}")
        self._engines.setdefault(wish.number, []).append(process)
        process.on_exit = lambda: self.kernel.at(0.5, partial(self._start_engine, wish, decision + 1))
        self.kernel.spawn(process, partial(self._work, process, wish, decision))

    def client(self, process: Process) -> BridgeClient:
        """With time-outs that fit the simulated bridge's."""
        transport = SimulatedTransport(
            self.machine, process, self.schedule.rng, trouble=self.schedule.network, calm_at=CALM_AT_S
        )
        return BridgeClient(
            transport=transport,
            read_timeout_s=3.0,
            send_timeout_s=5.0,
            settle_s=1.0,
            clock=self.kernel.monotonic,
            pause=self.kernel.sleep,
        )

    def _work(self, process: Process, wish: Wish, decision: int) -> None:
        """As an engine and its resolver: hands the intent in until something is known, then asks until all is."""
        kernel, told = self.kernel, self.told[wish.number]
        target = self._target(wish)
        if target is None:
            return
        client = self.client(process)
        account = client.account(ACCOUNT)
        for attempt in range(_TRIES):
            intent = wish.make(decision + attempt, target)
            told.intents.append(intent)
            try:
                outcome: OrderOutcome | None = account.send(intent)
                break
            except TradeloomError as error:
                kernel.say(process.name, f"is told: nothing was sent ({error.message})")
                kernel.sleep(0.5 * 2**attempt)
        else:
            return
        wait = 3.0
        while outcome is not None:
            self._note(process, wish, outcome)
            if outcome.status in _FINAL or kernel.now > _PATIENCE_S:
                return
            kernel.sleep(wait)
            # An order that rests is asked after while things fail, and when all is over: nothing moves it in between.
            wait = _RESTS_S if outcome.status is OutcomeStatus.PLACED else wait * 4
            try:
                outcome = account.outcome(outcome.client_order_id)
            except TradeloomError as error:
                kernel.say(process.name, f"cannot ask: {error.message}")

    def _target(self, wish: Wish) -> int | None:
        """The position to close, or minus the order to take away, that another intent left; None until it has."""
        if wish.after is None:
            return 0
        told = self.told[wish.after]
        for _ in range(20):
            if told.last is not None and (told.last.status in _FINAL or told.last.status is OutcomeStatus.PLACED):
                break
            self.kernel.sleep(1.0)
        last = told.last
        if last is None:
            return None
        if last.status is OutcomeStatus.PLACED and last.order and told.intents[0].kind == "pending":
            return -last.order
        return last.position

    def _note(self, process: Process, wish: Wish, outcome: OrderOutcome) -> None:
        told = self.told[wish.number]
        told.outcomes.append(outcome)
        told.last = outcome
        if self.kernel.trace is not None:
            self.kernel.say(process.name, f"is told: {brief(outcome)}")

    def _audit(self, process: Process) -> None:
        """When all is calm, one intent, and each that nobody knows the end of, is handed in once more: a late
        redelivery, whose answer has to be final, or that the order rests where by the server's books it does."""
        account = self.client(process).account(ACCOUNT)
        if self.disk.damaged:
            return
        again = self.schedule.rng.randrange(3)
        resting = self.server.resting()
        for number, told in enumerate(self.told):
            if not told.intents:
                continue
            if number != again and told.last is not None and told.last.status in _FINAL:
                self.audited[number] = told.last
                continue
            for _ in range(3):
                try:
                    outcome = account.send(told.intents[-1])
                except TradeloomError as error:
                    self.audited[number] = error
                    self.kernel.sleep(HORIZON_S)
                    continue
                self.audited[number] = outcome
                told.outcomes.append(outcome)
                if outcome.status in _FINAL or (outcome.status is OutcomeStatus.PLACED and outcome.order in resting):
                    break
                self.kernel.sleep(HORIZON_S)

    # Faults

    def _strike(self, whom: str) -> None:
        kernel, machine = self.kernel, self.machine
        if whom == "power":
            machine.lose_power(self.schedule.rng.random())
        elif whom == "front":
            kernel.kill(machine.front_process)
        elif whom == "worker":
            if machine.link is not None:
                kernel.kill(machine.link.process)
        else:
            for process in self._engines.get(int(whom[-1]), ()):
                if process.tasks:
                    kernel.kill(process)
                    break

    def _happen(self, what: str, detail: object) -> None:
        kernel = self.kernel
        match what, detail:
            case "disconnect", float(seconds):
                self.terminal.lose_connection(seconds)
            case "terminal restart", _:
                self.terminal.restart()
            case "disk full", float(seconds):
                kernel.say("disk", "is full")
                self.disk.full = True
                kernel.at(seconds, self._free_disk)
            case "journal damaged", _:
                if self.schedule.rng.random() < 0.2:
                    kernel.say("disk", "is damaged")
                    self.disk.damaged = True
            case (("halt" | "reduce"), _):
                kernel.spawn(Process("person"), partial(self._restrain, what))
            case "stale quotes", float(seconds):
                self.terminal.stale_quote_s = 60.0
                kernel.at(seconds, lambda: setattr(self.terminal, "stale_quote_s", 0.0))
            case "the market moves", float(seconds):
                kernel.at(seconds * 3, partial(self._with_resting_order, self.server.trigger))
            case "a person cancels", float(seconds):
                kernel.at(seconds * 3, partial(self._with_resting_order, self.server.take_away))
            case "a trade by hand", (int(side), float(lots), int(magic)):
                self.server.trade_by_hand(side, lots, magic)

    def _with_resting_order(self, act: Callable[[int], None]) -> None:
        resting = self.server.resting()
        if resting:
            act(self.schedule.rng.choice(resting))

    def _free_disk(self) -> None:
        self.disk.full = False

    def _restrain(self, what: str) -> None:
        state = AccountState.HALTED if what == "halt" else AccountState.REDUCING
        account = self.client(Process("person")).account(ACCOUNT)
        try:
            account.set_state(state, reason="seen enough", by="a person")
        except TradeloomError:
            return
        self.kernel.say("person", f"has set the account to {state}")
        self.halts.append((self.kernel.now, state))


def brief(outcome: OrderOutcome) -> str:
    parts = [str(outcome.status), f"{outcome.volume} lots"]
    parts += [str(part) for part in (outcome.reason, outcome.message) if part]
    return ", ".join(parts)


_KERNEL: list[Kernel] = []
"""The kernel of the world that runs in this process; the front's module reads its clock."""

simulated = partial(seen_by_the_front, _KERNEL)


def run(seed: int, *, tracing: bool = False) -> World:
    """A seed's world, run to its end. To be called inside `simulated()`."""
    return World(draw(seed), tracing=tracing).run()
