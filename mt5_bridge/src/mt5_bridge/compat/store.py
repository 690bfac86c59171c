"""What scripts asked for, beside the order journal: their own magic numbers and comments, and which answers arrived.

At the broker every order carries the journal's magic number, by which it is found again; a script knows its orders by
the magic number it gave them itself. And a script whose answer was lost asks again: here stands that it did.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mt5_bridge.journal_file import JournalFile
from tradeloom.trading.intents import MAGIC_BITS, magic_number

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS scripts (
        client_order_id TEXT PRIMARY KEY,
        magic INTEGER NOT NULL UNIQUE,
        wish TEXT NOT NULL,
        session TEXT NOT NULL,
        node TEXT NOT NULL,
        script_magic TEXT NOT NULL,
        script_comment TEXT NOT NULL,
        request TEXT NOT NULL,
        told INTEGER NOT NULL DEFAULT 0,
        asked_at TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS scripts_wish ON scripts (wish)",
)
_SELECT = "SELECT client_order_id, session, node, script_magic, script_comment, told, asked_at FROM scripts"


@dataclass(frozen=True, slots=True)
class ScriptOrder:
    """One order of a script. `session` and `node` are its intent's origin; `told` that the script has its outcome;
    `asked_at` is wall time of the last time it was asked for."""

    order_id: str
    session: str
    node: str
    magic: int
    comment: str
    told: bool
    asked_at: datetime


class ScriptStore(JournalFile):
    """An open file. Every method raises `StorageUnavailable` when it cannot be read or written."""

    schema = _SCHEMA
    schema_version = 1
    application_id = 0x544C5343  # "TLSC"
    what = "scripts' file"
    while_damaged = "no script trades until it is restored"
    while_unusable = "nothing was sent"

    def add(self, order: ScriptOrder, *, wish: str, request: dict[str, Any]) -> ScriptOrder:
        """`wish` says what makes two requests the same; `request` is the script's own, whole."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO scripts (client_order_id, magic, wish, session, node, script_magic, script_comment, "
                "request, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    order.order_id,
                    magic_number(order.order_id),
                    wish,
                    order.session,
                    order.node,
                    str(order.magic),  # up to 64 bits without a sign, which SQLite's numbers do not hold
                    order.comment,
                    json.dumps(request),
                    order.asked_at.isoformat(),
                ),
            )
        return order

    def last_of(self, wish: str) -> ScriptOrder | None:
        """The newest order of this wish."""
        with self._guarded() as db:
            row = db.execute(f"{_SELECT} WHERE wish = ? ORDER BY rowid DESC LIMIT 1", (wish,)).fetchone()
        return None if row is None else _order(row)

    def asked_again(self, order_id: str) -> None:
        with self._transaction() as db:
            db.execute("UPDATE scripts SET asked_at = ? WHERE client_order_id = ?", (self._now(), order_id))

    def set_told(self, order_id: str) -> None:
        """The script has the outcome: asking for the same from now on is another wish."""
        with self._transaction() as db:
            db.execute("UPDATE scripts SET told = 1 WHERE client_order_id = ?", (order_id,))

    def origins(self, magics: Iterable[int]) -> dict[int, tuple[int, str, str]]:
        """(script's magic, script's comment, client order id) behind each of our magic numbers that is a script's."""
        wanted = json.dumps([magic for magic in set(magics) if 0 < magic < 2**MAGIC_BITS])
        with self._guarded() as db:
            rows = db.execute(
                "SELECT magic, script_magic, script_comment, client_order_id FROM scripts "
                "WHERE magic IN (SELECT value FROM json_each(?))",
                (wanted,),
            ).fetchall()
        return {magic: (int(own), comment, order_id) for magic, own, comment, order_id in rows}

    def wall_clock(self) -> datetime:
        return self._clock()


def _order(row: sqlite3.Row | tuple[Any, ...]) -> ScriptOrder:
    order_id, session, node, magic, comment, told, asked_at = row
    return ScriptOrder(order_id, session, node, int(magic), comment, bool(told), datetime.fromisoformat(asked_at))
