"""Lets go of old history: on its own once a day while the machine is up, and when a person says so.

Executions with their node runs, nodes' logs, notifications, versions nobody uses, and then the blobs that nothing names
any more. A few rows at a time, with pauses, so that whoever works does not notice.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.errors import TradeloomError
from tradeloom.local.settings import Settings
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.retention import BATCH, Kind, PostgresRetention

log: Final = logging.getLogger(__name__)

KINDS: Final[tuple[Kind, ...]] = ("executions", "logs", "notifications", "versions")
FIRST_AFTER_S: Final = 600.0
EVERY_S: Final = 24 * 3600.0
PAUSE_S: Final = 0.05
BLOB_GRACE_S: Final = 48 * 3600.0
"""How long a blob nobody names stays: what was put is named a moment later, and an hour's work may come between."""
SETTLE_S: Final = 10.0
"""Between two readings of the names: a replay copies them from one execution's rows to another's in less."""

_SHA256: Final = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True)
class Policy:
    """Days to keep of each kind; 0 keeps for ever."""

    days: dict[Kind, int]

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(
            {
                "executions": settings.keep_executions_days,
                "logs": settings.keep_logs_days,
                "notifications": settings.keep_notifications_days,
                "versions": settings.keep_versions_days,
            }
        )

    def before(self, kind: Kind, now: datetime) -> datetime | None:
        return now - timedelta(days=self.days[kind]) if self.days[kind] else None


@dataclass
class Report:
    """How many were, or would be, deleted. `blobs` is None where they could not be looked at: a backup copies them."""

    rows: dict[Kind, int] = field(default_factory=dict)
    blobs: int | None = 0
    bytes: int = 0


class Retention:
    def __init__(
        self,
        tenant: str,
        policy: Policy,
        stored: PostgresRetention,
        blobs: FileBlobs,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        blob_grace_s: float = BLOB_GRACE_S,
        pause_s: float = PAUSE_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._tenant = tenant
        self._policy = policy
        self._stored = stored
        self._blobs = blobs
        self._now = now
        self._blob_grace_s = blob_grace_s
        self._pause_s = pause_s
        self._settle_s = settle_s

    async def keep(self) -> None:
        """Once a day, for ever."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            try:
                told = await self.run()
                if any(told.rows.values()) or told.blobs:
                    log.info("let go of %s and %s blobs (%d bytes)", _rows(told), told.blobs, told.bytes)
            except TradeloomError as error:
                log.warning("old history stays for now: %s", error.message)
            except Exception:
                log.exception("letting go of old history failed")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> Report:
        """What `run` would do. Blobs are counted that nothing names now; more are free once rows are gone."""
        now, report = self._now(), Report()
        for kind in KINDS:
            before = self._policy.before(kind, now)
            report.rows[kind] = 0 if before is None else await self._stored.old(kind, self._tenant, before)
        await self._sweep(report, delete=False)
        return report

    async def run(self) -> Report:
        """Raises `StorageUnavailable`; what was deleted before stays deleted."""
        now, report = self._now(), Report()
        for kind in KINDS:
            before = self._policy.before(kind, now)
            report.rows[kind] = 0 if before is None else await self._delete(kind, before)
        await self._sweep(report, delete=True)
        return report

    async def _delete(self, kind: Kind, before: datetime) -> int:
        deleted = 0
        while count := await self._stored.delete(kind, self._tenant, before):
            deleted += count
            if count < BATCH:
                break
            await asyncio.sleep(self._pause_s)
        return deleted

    async def _sweep(self, report: Report, *, delete: bool) -> None:
        """Blobs are old before the names are read, and looked at again, alone, before they go: who puts one meanwhile
        makes it young."""
        async with self._stored.sweeping() as mine:
            if not mine:
                report.blobs = None
                return
            versions = await asyncio.to_thread(self._old_versions)
            old = await asyncio.to_thread(self._old_blobs)
            if not old and not versions:
                return
            named = await self._stored.named_blobs()
            if delete:  # what was read from a row that is gone now, and is being written to another
                await asyncio.sleep(self._settle_s)
                named |= await self._stored.named_blobs()
            free_versions = versions - await self._stored.named_versions()
            kept = await asyncio.to_thread(self._reached, named, free_versions)
            if delete:
                for version in free_versions:
                    await asyncio.to_thread(self._blobs.delete_artefact, version, self._blob_grace_s)
            for name, size in old.items():
                if name in kept:
                    continue
                if not delete or await asyncio.to_thread(self._blobs.delete_blob, name, self._blob_grace_s):
                    report.blobs = (report.blobs or 0) + 1
                    report.bytes += size

    def _old_versions(self) -> set[str]:
        return {version for version, age_s, _ in self._blobs.artefacts() if age_s >= self._blob_grace_s}

    def _old_blobs(self) -> dict[str, int]:
        return {name: size for name, age_s, size in self._blobs.blobs() if age_s >= self._blob_grace_s}

    def _reached(self, named: set[str], free_versions: set[str]) -> set[str]:
        """Blobs that rows or versions name, and those that these name in turn."""
        known = {name for name, _, _ in self._blobs.blobs()}
        ways = named | {
            self._blobs.artefact_blob(version)
            for version, _, _ in self._blobs.artefacts()
            if version not in free_versions
        }
        reached: set[str] = set()
        waiting = [name for name in ways if name in known]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            inside = {each.decode() for each in _SHA256.findall(self._blobs.get(name))}
            waiting.extend((inside & known) - reached)
        return reached


def _rows(told: Report) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in told.rows.items() if count) or "no rows"
