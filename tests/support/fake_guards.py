"""Guards of a `FakeBroker`: the same rules the bridge watches with, looked at when set and whenever a test says so."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tradeloom.errors import NotFound
from tradeloom.trading.guard_rules import MoveStop, after, decide
from tradeloom.trading.guards import Guard, GuardKind, GuardReport, GuardStatus

if TYPE_CHECKING:
    from tests.support.fake_broker import FakeBroker


@dataclass
class FakeGuards:
    reports: dict[str, GuardReport] = field(default_factory=dict)

    def set(self, broker: "FakeBroker", guard: Guard, now: datetime) -> GuardReport:
        known = self.reports.get(guard.guard_id)
        if known is not None and known.guard == guard:
            return known
        if all(each.ticket != guard.position for each in broker.open_positions):
            raise NotFound(f"the account has no open position {guard.position}", field="guard.position")
        if known is not None and known.memory.closed:
            return known
        for other in self.active(guard.symbol, guard.position):
            if other.guard.kind == guard.kind and guard.kind is not GuardKind.PARTIAL_CLOSE:
                self._keep(other, status=GuardStatus.REPLACED)
        self.reports[guard.guard_id] = GuardReport(guard=guard, status=GuardStatus.ACTIVE, set_at=now)
        return self.look(broker, guard.guard_id)

    def look(self, broker: "FakeBroker", guard_id: str) -> GuardReport:
        """What the guard does at the present quote, done at once."""
        report = self.reports[guard_id]
        guard = report.guard
        held = next((each for each in broker.open_positions if each.ticket == guard.position), None)
        told = decide(guard, report.memory, broker.tick(guard.symbol), held, broker.symbol(guard.symbol))
        report = self._keep(report, memory=told.memory, stop_loss=held.stop_loss if held else None)
        end = told.end
        if told.action is not None and held is not None:
            is_stop = isinstance(told.action, MoveStop)
            change = (
                {"stop_loss": float(told.action.stop_loss)}
                if isinstance(told.action, MoveStop)
                else {"volume": held.volume - told.action.volume}
            )
            moved = held.model_copy(update=change)
            broker.open_positions = [moved if each is held else each for each in broker.open_positions]
            following = after(guard, told.memory, told.action)
            end = following.end
            what = "moved" if is_stop else "closed"
            report = self._keep(
                report, memory=following.memory, moves=report.moves + 1, stop_loss=moved.stop_loss, last_action=what
            )
        if end is not None:
            report = self._keep(report, status=end.status, reason=end.reason)
        return report

    def active(self, symbol: str | None = None, position: int | None = None) -> list[GuardReport]:
        return [
            each
            for each in self.reports.values()
            if each.status is GuardStatus.ACTIVE
            and symbol in (None, each.guard.symbol)
            and position in (None, each.guard.position)
        ]

    def remove(self, guard_id: str) -> GuardReport:
        if guard_id not in self.reports:
            raise NotFound(f"there is no guard {guard_id}", field="guard_id")
        return self._keep(self.reports[guard_id], status=GuardStatus.REMOVED)

    def _keep(self, report: GuardReport, **changes: object) -> GuardReport:
        self.reports[report.guard.guard_id] = report.model_copy(update=changes)
        return self.reports[report.guard.guard_id]
