"""The gate left out: what PostgreSQL itself keeps a tenant's role from, on its own connection, with its own password.

The attacker here may send several statements at once, change its own settings and spoil its own tables. What it must
never do is see or change anything of another tenant's or of ours.
"""

import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.integration.database.attacks import ATTACKS as ALL
from tests.integration.database.attacks import GROWTH
from tests.integration.database.conftest import SECRET, Tenants, write
from tests.integration.database.test_attacks import dumped
from tests.support import exam
from tradeloom.storage.tenants.database import PostgresTenantDatabase
from tradeloom.storage.tenants.provisioning import CONNECTIONS

TRADE = {"symbol": "EURUSD", "side": "buy", "volume": 0.1, "profit": 1.5, "note": "a note"}
BAR = {"time": "2026-01-01T00:00:00Z", "close": 1.1}
COSTLY = frozenset({"time", "memory", "size"})
"""Groups whose attacks take their second or two each: a few of them do, outside the exam."""
ATTACKS = [attack for attack in ALL if attack not in GROWTH and (exam.FULL or attack.group not in COSTLY)]
ATTACKS += [] if exam.FULL else [attack for attack in ALL if attack.group in COSTLY][::15]
IDS = [f"{each.group}-{number}" for number, each in enumerate(ATTACKS)]
CANCEL_AFTER_S = 1.0
PATIENCE_S = 60.0
CUT_AFTER_S = 0.5
TAKES_ITS_TIME = frozenset({"time", "memory", "size", "function", "parser", "role"})
"""Groups in which nothing but the clock may stop an attack: it reads nothing it may not, only for long."""


pytestmark = pytest.mark.timeout(600)  # all attacks run once, in the fixture


@dataclass
class Bypassed:
    before: str
    after: str = ""
    shown: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def bypassed(tenants: Tenants, other: PostgresTenantDatabase) -> Bypassed:
    own, target = tenants.access("bare")["schema"], tenants.access("other")["schema"]
    others = f"--exclude-schema={own}"
    state = Bypassed(dumped(tenants.dsn, others))
    for number, attack in enumerate(ATTACKS):
        make_again(tenants, own, number)
        patience_s = CANCEL_AFTER_S if attack.group in TAKES_ITS_TIME else PATIENCE_S
        ended, shown = attempt(tenants, attack.aimed(own, target), patience_s)
        state.ended.append(ended)
        state.shown.append(shown)
    state.after = dumped(tenants.dsn, others)
    return state


def make_again(tenants: Tenants, schema: str, number: int) -> None:
    """What the attack before may have spoilt: the attacker's own tables, and its login."""
    with psycopg.connect(tenants.dsn) as owner:
        owner.execute(f"DROP TABLE IF EXISTS {schema}.trades, {schema}.bars CASCADE")
    with contextlib.closing(tenants.open("bare")) as database:
        database.save("trades", TRADE, write(f"trade-{number}"))
        database.save("bars", BAR, write(f"bar-{number}"))


def attempt(tenants: Tenants, sql: str, patience_s: float) -> tuple[str, str]:
    """How it ended and all that came back; cancelled when its time is over, and then cut off."""
    with login(tenants) as connection:
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(connection, over, patience_s))
        watch.start()
        shown = ""
        begun = time.monotonic()
        try:
            cursor = connection.execute(sql, prepare=False)
            while True:
                if cursor.description is not None:
                    shown += repr(cursor.fetchmany(50))
                if not cursor.nextset():
                    break
            ended = "answered"
        except (psycopg.errors.QueryCanceled, psycopg.errors.TransactionTimeout) as error:
            ended, shown = "time", str(error)
        except (psycopg.Error, ValueError) as error:
            late = time.monotonic() - begun > patience_s
            ended, shown = "time" if late else "refused", str(error)
        finally:
            over.set()
            watch.join()
        return ended, shown


@contextlib.contextmanager
def login(tenants: Tenants) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(tenants.access("bare")["conninfo"], autocommit=True)
    try:
        yield connection
    finally:
        with contextlib.suppress(psycopg.Error):
            connection.close()


def _watch(connection: psycopg.Connection, over: threading.Event, patience_s: float) -> None:
    if over.wait(patience_s):
        return
    with contextlib.suppress(psycopg.Error):
        connection.cancel_safe(timeout=1)
    if over.wait(CUT_AFTER_S):
        return
    with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=IDS)
def test_shows_nothing_of_others(number: int, bypassed: Bypassed) -> None:
    assert SECRET not in bypassed.shown[number]
    if bypassed.ended[number] == "time":
        assert ATTACKS[number].group in TAKES_ITS_TIME


def test_changes_nothing_of_others(bypassed: Bypassed) -> None:
    assert bypassed.after == bypassed.before


@pytest.mark.exam(suite="database role without the gate")
def test_what_it_is_stopped_by(bypassed: Bypassed) -> None:
    """Most is stopped by PostgreSQL's own rights; the table stands in docs/database.md."""
    by = Counter(bypassed.ended)
    exam.record("database role without the gate", attacks=len(ATTACKS), **by)
    assert by["refused"] > by["answered"] > 0
    cross = [ended for ended, attack in zip(bypassed.ended, ATTACKS, strict=True) if attack.group == "cross-tenant"]
    assert "time" not in cross


class TestLogin:
    def test_needs_the_password(self, tenants: Tenants) -> None:
        access = tenants.access("bare")["conninfo"]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(access, password="guessed")

    def test_of_another_or_the_owner_with_ones_own_password(self, tenants: Tenants) -> None:
        access = tenants.access("bare")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(access["conninfo"], user=tenants.access("other")["schema"])

    def test_is_restored_when_the_password_was_changed(self, tenants: Tenants) -> None:
        with login(tenants) as connection:
            connection.execute(f"ALTER ROLE {tenants.access('bare')['schema']} PASSWORD 'mine now'")
        database = tenants.open("bare")
        assert database.save("restored", {"a": 1}, write("restored")).created
        database.close()

    def test_opens_only_so_many_connections(self, tenants: Tenants) -> None:
        with contextlib.ExitStack() as opened:
            for _ in range(CONNECTIONS):
                opened.enter_context(login(tenants))
            with pytest.raises(psycopg.OperationalError, match="too many connections"):
                opened.enter_context(login(tenants))

    def test_to_another_database_of_the_server_is_refused(self, tenants: Tenants) -> None:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(tenants.access("bare")["conninfo"], dbname="template1")
