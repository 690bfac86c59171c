"""Standing in for orders that were not sent, under every fault there is, late executions included."""

import pytest

from mt5_bridge import desk
from tests.faults.simulator import world as world_module
from tests.faults.simulator.campaign import quiet
from tests.faults.simulator.kernel import Process
from tests.faults.simulator.schedule import Wish, draw
from tests.faults.simulator.standing_in import StandingIn, doubled
from tests.support import exam
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus

SEEDS = range(1, 201)
SCHEDULES = exam.sized(ci=300, full=50_000)


@pytest.mark.exam(suite="fault simulator, standing in")
@pytest.mark.timeout(7_200)
def test_one_effect_however_many_stand_in() -> None:
    stood_in = filled = 0
    with quiet():
        for seed in range(1, SCHEDULES + 1):
            world = StandingIn(draw(seed))
            world.run()
            wrong = list(doubled(world))
            assert not wrong, f"seed {seed}: {wrong}"
            for chain in world.chains:
                stood_in += bool(chain)
                entries = [world.disk.orders.get(order_id) for order_id in chain]
                filled += any(each and each.result and each.result.status is OutcomeStatus.DONE for each in entries)
    exam.record("fault simulator, standing in", schedules=SCHEDULES, stood_in=stood_in, filled=filled)
    assert stood_in > SCHEDULES / 200
    assert filled > 0


def test_the_bridge_alone_keeps_a_careless_client_from_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its check, a client that stands in for whatever is unknown would trade twice: the simulator sees it."""

    class Careless(StandingIn):
        def _note(self, process: Process, wish: Wish, outcome: OrderOutcome) -> None:
            if outcome.status is OutcomeStatus.UNKNOWN:
                deadline = self.told[wish.number].intents[-1].deadline
                changes = {"status": OutcomeStatus.NOT_SENT, "resend_until": deadline}
                outcome = outcome.model_copy(update=changes)
            super()._note(process, wish, outcome)

    def doubles(seed: int) -> bool:
        world = Careless(draw(seed))
        world.run()
        return any("stand-ins included" in wrong for wrong in doubled(world))

    monkeypatch.setattr(world_module, "_FINAL", frozenset(OutcomeStatus) - {OutcomeStatus.PLACED})  # asks no further
    with quiet():
        assert not any(doubles(seed) for seed in SEEDS)
        monkeypatch.setattr(desk, "check_resend", lambda intent, journal: None)
        assert any(doubles(seed) for seed in SEEDS)
