"""The SQL of each revision, beside the code: `NNNN_name.up.sql` forward, `NNNN_name.down.sql` back."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.up\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    up: str
    down: str

    @property
    def revision(self) -> str:
        """What alembic calls it."""
        return f"{self.number:04d}"

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All of them, in order."""
    folder = files(__package__ or "")
    found = []
    for file in folder.iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            down = folder / file.name.replace(".up.", ".down.")
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8"), down.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def migration(revision: str) -> Migration:
    return next(found for found in migrations() if found.revision == revision)


def revision_before(revision: str) -> str | None:
    """The numbers are the line: two people who add revisions at a time cannot make it fork."""
    return max((found.revision for found in migrations() if found.revision < revision), default=None)


def run_up(revision: str) -> None:
    """For a revision's `upgrade`: its SQL, whole, within alembic's transaction."""
    _run(migration(revision).up)


def run_down(revision: str) -> None:
    _run(migration(revision).down)


def _run(text: str) -> None:
    from alembic import op

    # Without parameters the driver sends the text as it is, several statements and percent signs included.
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})
