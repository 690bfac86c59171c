"""`tradeloom database`: the schema's migrations, forward and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.text import Text

from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.errors import InvalidInput
from tradeloom.local.home import Home
from tradeloom.local.settings import Settings, load_settings
from tradeloom.storage.postgres.migrations import applied_migrations, migrate, migrations
from tradeloom.storage.postgres.server import PostgresServer


def history(*, home: Path | None, as_json: bool) -> None:
    """Beside a running machine too. Changes nothing."""
    settings = load_settings(home=home)
    Home(settings.home).must_exist()
    with _database(settings) as dsn:
        applied = {each.number: each for each in applied_migrations(dsn)}
    known = {each.number: each.name for each in migrations()}
    names = known | {number: each.name for number, each in applied.items()}
    listed: list[dict[str, Any]] = [
        {
            "number": number,
            "name": name,
            "applied_at": applied[number].applied_at.isoformat() if number in applied else None,
            "known": number in known,
        }
        for number, name in sorted(names.items())
    ]
    if as_json:
        say_json({"items": listed})
        return
    table = plain_table("", "migration", "what", "applied")
    for each in listed:
        when = f"{each['applied_at'][:19].replace('T', ' ')} UTC" if each["applied_at"] else "not yet"
        mark = Text("✓", "green") if each["applied_at"] and each["known"] else Text("!", "yellow")
        what = each["name"].replace("_", " ") + ("" if each["known"] else " (of a newer release)")
        table.add_row(mark, f"{each['number']:04d}", what, when)
    out.print(table)


def upgrade(*, home: Path | None, as_json: bool) -> None:
    with _alone(home) as dsn:
        done = migrate(dsn)
    _tell(done, "applied", as_json=as_json)


def downgrade(to: int, *, discard: bool, home: Path | None, as_json: bool) -> None:
    if not discard:
        raise InvalidInput(
            "Going back drops the tables and columns that newer migrations made, with all that is in them.",
            field="--discard",
            hint="Make a backup (tradeloom backup), then say --discard.",
        )
    Home(load_settings(home=home).home).must_exist()
    with _alone(home) as dsn:
        stands = max((each.number for each in applied_migrations(dsn)), default=0)
        if to > stands:
            raise InvalidInput(f"The database stands at {stands} already.", field="--to")
        done = migrate(dsn, to)
    _tell(done, "undone", as_json=as_json)
    if not as_json:
        out.print("[dim]Install the older release now: this one goes forward again when it starts.[/]")


@contextmanager
def _alone(home: Path | None) -> Iterator[str]:
    """The database while nothing runs on the data directory. Raises `AlreadyRunning`."""
    settings = load_settings(home=home)
    place = Home(settings.home)
    place.open()
    try:
        with _database(settings) as dsn:
            yield dsn
    finally:
        place.close()


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    server = PostgresServer(Home(settings.home).postgres, url=settings.database_url or "")
    dsn = server.start()
    try:
        yield dsn
    finally:
        server.stop()


def _tell(done: list[int], what: str, *, as_json: bool) -> None:
    if as_json:
        say_json({what: done})
    elif done:
        out.print(f"[green]✓[/] {what} {', '.join(f'{number:04d}' for number in done)}")
    else:
        out.print("[dim]nothing to do[/]")
