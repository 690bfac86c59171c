"""`tradeloom retention`: what is old, and letting go of it."""

from pathlib import Path
from typing import Any

from tradeloom.cli.database import Place, on_database
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.local.retention import KINDS, Policy, Report, Retention
from tradeloom.local.storage import TENANT
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.retention import PostgresRetention


def retain(*, apply: bool, home: Path | None, as_json: bool) -> None:
    policy, report = on_database(home, lambda place: _done(place, apply=apply))
    told: dict[str, Any] = {
        "applied": apply,
        "days": policy.days,
        "rows": report.rows,
        "blobs": report.blobs,
        "bytes": report.bytes,
    }
    if as_json:
        say_json(told)
        return
    table = plain_table("what", "kept for", "deleted" if apply else "would be deleted")
    for kind in KINDS:
        days = policy.days[kind]
        table.add_row(kind, f"{days} days" if days else "ever", f"{report.rows[kind]:,}")
    blobs = "a backup is copying them" if report.blobs is None else f"{report.blobs:,}, {report.bytes / 1024**2:.1f} MB"
    table.add_row("blobs", "as long as something names them", blobs)
    out.print(table)
    out.print("[dim]orders, trades, variables and your own tables are kept for ever[/]")
    if not apply:
        out.print("[dim]--apply does it; a running Tradeloom does it once a day. Days are set by TRADELOOM_KEEP_…[/]")


async def _done(place: Place, *, apply: bool) -> tuple[Policy, Report]:
    policy = Policy.of(place.settings)
    retention = Retention(TENANT, policy, PostgresRetention(place.database), FileBlobs(place.home.blobs))
    return policy, await (retention.run() if apply else retention.look())
