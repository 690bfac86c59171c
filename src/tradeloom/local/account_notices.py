"""Tells the dashboard when an account stops trading, trades again, and that triggers start nothing meanwhile.

A notification's id follows from the event, so what is seen twice, or again after a restart, is shown once. None is
waited for: a database that is away must not hold up a kill.
"""

from datetime import UTC, datetime

from tradeloom.engine.journal import Journal
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.engine.notices import notice
from tradeloom.engine.stores import VersionRecord
from tradeloom.local.halts import Standing
from tradeloom.runtime.services import Level
from tradeloom.trading.risk import AccountState


class AccountNotices:
    def __init__(self, tenant: str, journal: Journal) -> None:
        self._tenant = tenant
        self._journal = journal
        self._skips_told: set[str] = set()

    def stands(self, account: str, before: Standing | None, now: Standing) -> None:
        """What the bridge says now, after what was known before, if anything."""
        if now.state is AccountState.ACTIVE:
            self._skips_told.discard(account)
            if before is not None and before.state is not AccountState.ACTIVE:
                self._tell("success", f"{account} may trade again", _whose(now), account, now.state, now.changed_at)
        elif before is None or (before.state, before.changed_at) != (now.state, now.changed_at):
            halted = now.state is AccountState.HALTED
            title = f"{account} is halted" if halted else f"{account} only reduces"
            what = "Nothing opens and what trades on it is stopped" if halted else "Nothing opens on it"
            message = f"{_whose(now)} {what}, until a person resumes it."
            self._tell("error" if halted else "warning", title, message, account, now.state, now.changed_at)

    def waits(self, wish: KillWish) -> None:
        """The bridge was not there, or did not say that it did it."""
        message = (
            f"{wish.by} asked for it ({wish.mode}): {wish.reason}. Its bridge has not confirmed it and is told "
            "until it does. Meanwhile orders and positions at the broker are as they were: look there."
        )
        self._tell("error", f"{wish.account} could not be stopped at its bridge yet", message, wish.id, "waits")

    def refused(self, wish: KillWish, why: str) -> None:
        """The bridge answers, and does not do it."""
        message = f"{wish.by} asked for it ({wish.mode}): {wish.reason}. The bridge says: {why}. Look at the account."
        self._tell("error", f"{wish.account} was not stopped as asked", message, wish.id, "refused")

    def skipped(self, version: VersionRecord, halt: Standing | None) -> None:
        """A trigger's start. Only the first of a halt is told."""
        if halt is None or version.account in self._skips_told:
            return
        self._skips_told.add(version.account)
        self._tell(
            "warning",
            f"Starts are skipped on {version.account}",
            f"A trigger fired and its workflow was not started, because of the halt. {_whose(halt)} "
            "Further starts that are skipped until a person resumes the account are not told here.",
            version.account,
            "skipped",
            halt.changed_at,
            workflow_id=version.workflow_id,
        )

    def _tell(self, level: Level, title: str, message: str, *event: object, workflow_id: str = "") -> None:
        self._journal.record(
            notice(
                "account",
                self._tenant,
                *event,
                tenant=self._tenant,
                at=datetime.now(UTC),
                level=level,
                title=title,
                message=message,
                workflow_id=workflow_id,
            )
        )


def _whose(standing: Standing) -> str:
    return f"By {standing.by}: {standing.reason.rstrip('.')}."
