"""Schedules in which nodes also send another order in the place of one that was certainly not sent."""

from collections.abc import Iterator
from datetime import timedelta

from tests.faults.simulator.invariants import broken
from tests.faults.simulator.kernel import EPOCH, Process
from tests.faults.simulator.schedule import ACCOUNT, HORIZON_S, Schedule, Wish
from tests.faults.simulator.world import World
from tradeloom.errors import TradeloomError
from tradeloom.trading.intents import MAX_RESENDS, OrderIntent, OrderOutcome, OutcomeStatus, resend_id

_TRIES = 4
_ASKS = 5


class StandingIn(World):
    """`chains` holds each wish's stand-ins, in order."""

    def __init__(self, schedule: Schedule, *, tracing: bool = False) -> None:
        super().__init__(schedule, tracing=tracing)
        self.chains: list[dict[str, OrderIntent]] = [{} for _ in schedule.wishes]

    def _work(self, process: Process, wish: Wish, decision: int) -> None:
        super()._work(process, wish, decision)
        told = self.told[wish.number]
        outcome = told.last
        for _ in range(MAX_RESENDS):
            if outcome is None or outcome.status is not OutcomeStatus.NOT_SENT or outcome.resend_until is None:
                return
            if EPOCH + timedelta(seconds=self.kernel.now) >= outcome.resend_until:
                return
            before = self.chains[wish.number].get(outcome.client_order_id, told.intents[-1])
            changes = {
                "client_order_id": resend_id(outcome.client_order_id),
                "resend_of": outcome.client_order_id,
                "deadline": outcome.resend_until,
            }
            stand_in = before.model_copy(update=changes)
            self.chains[wish.number][stand_in.client_order_id] = stand_in
            outcome = self._pursue(process, stand_in)

    def _audit(self, process: Process) -> None:
        """Stand-ins are asked after as well: one that rested may have been filled since."""
        super()._audit(process)
        account = self.client(process).account(ACCOUNT)
        for order_id in [order_id for chain in self.chains for order_id in chain]:
            for _ in range(3):
                try:
                    account.outcome(order_id)
                    break
                except TradeloomError:
                    self.kernel.sleep(HORIZON_S)

    def _pursue(self, process: Process, intent: OrderIntent) -> OrderOutcome | None:
        account, outcome = self.client(process).account(ACCOUNT), None
        for attempt in range(_TRIES):
            try:
                outcome = account.send(intent)
                break
            except TradeloomError as error:
                self.kernel.say(process.name, f"is told of a stand-in: nothing was sent ({error.message})")
                self.kernel.sleep(0.5 * 2**attempt)
        for attempt in range(_ASKS):
            if outcome is None or outcome.status is not OutcomeStatus.UNKNOWN:
                break
            self.kernel.sleep(3.0 * 4**attempt)
            try:
                outcome = account.outcome(intent.client_order_id)
            except TradeloomError:
                continue
        return outcome


def doubled(world: StandingIn) -> Iterator[str]:
    """A wish has one effect at most, however many orders stood in for it; and every other invariant holds."""
    for told, chain in zip(world.told, world.chains, strict=True):
        intents = [*told.intents[-1:], *chain.values()]
        if not intents:
            continue
        effects = [world.server.effects[each.magic] for each in intents if each.magic in world.server.effects]
        acted = [effect for effect in effects if effect.filled_orders or effect.placed or effect.removed]
        if len(acted) > 1:
            yield f"duplicate: {intents[0].node_id} took effect {len(acted)} times, stand-ins included"
        if chain and world.schedule.live:
            yield f"duplicate: {intents[0].node_id} had a stand-in with real money"
    if any(world.chains):  # the others are the plain simulator's
        yield from broken(world)
