"""The order journal's store on a simulated disk: what was committed and synced survives a power cut, the rest does not.

A commit syncs, as SQLite's does in WAL mode with `synchronous=FULL`. `fsync = False` is the mutation: a killed process
then still leaves its commits in the page cache, but a power cut loses a tail of them.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from mt5_bridge.journal_store import AccountRecord, Entry, JournalReader, JournalWriter, OrderState, SentOrder
from tests.faults.simulator.kernel import Crash, Kernel, Process
from tradeloom.errors import StorageUnavailable
from tradeloom.json_text import encoder
from tradeloom.trading.intents import OrderIntent

type _Undo = Callable[[], None]

_written = encoder(allow_nan=False)


class Disk:
    """One journal. `full` refuses every write, `damaged` every use; both as SQLite would."""

    fsync = True

    def __init__(self) -> None:
        self.full = False
        self.damaged = False
        self.orders: dict[str, Entry] = {}
        self.magics: dict[int, str] = {}
        self.lines: list[tuple[str | None, datetime, str, dict[str, Any]]] = []
        self.account: AccountRecord | None = None
        self.facts: dict[str, Any] = {}
        self._unsynced: list[list[_Undo]] = []

    def note_unsynced(self, undo: list[_Undo]) -> None:
        self._unsynced.append(undo)

    def lose_power(self, share_lost: float) -> None:
        """Takes back that share of the commits that were not synced, the latest ones."""
        for _ in range(round(share_lost * len(self._unsynced))):
            roll_back(self._unsynced.pop())
        self._unsynced.clear()


def roll_back(undo: list[_Undo]) -> None:
    while undo:
        undo.pop()()


class SimulatedStore:
    """A process's connection to the disk."""

    def __init__(self, disk: Disk, kernel: Kernel, process: Process) -> None:
        self._disk = disk
        self._kernel = kernel
        self._process = process
        self._rows = _Reading(disk)
        self.reading()

    def close(self) -> None:
        pass

    def reading(self) -> "_Reading":
        if not self._process.alive:
            raise Crash
        if self._disk.damaged:
            raise _damaged()
        return self._rows

    def transaction(self) -> "_Transaction":
        return _Transaction(self._disk, self._kernel, self._process)


def _damaged() -> StorageUnavailable:
    return StorageUnavailable("the order journal is damaged; nothing is sent until it is restored")


class _Rows:
    """The tables. Each change also notes how to take itself back."""

    __slots__ = ("_disk", "_undo")

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._undo: list[_Undo] = []

    def order(self, order_id: str) -> Entry | None:
        return self._disk.orders.get(order_id)

    def owner_of_magic(self, magic: int) -> str | None:
        return self._disk.magics.get(magic)

    def orders_in(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> list[str]:
        orders = self._disk.orders.items()
        return [name for name, entry in orders if entry.state in states and entry.intent.kind != besides_kind]

    def count(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> int:
        orders = self._disk.orders.values()
        return sum(1 for entry in orders if entry.state in states and entry.intent.kind != besides_kind)

    def sent_since(self, since: datetime, kinds: Collection[str]) -> list[SentOrder]:
        found = [
            SentOrder(order_id, entry.intent.workflow_id, entry.intent.symbol or "", side, entry.sent_at)
            for order_id, entry in self._disk.orders.items()
            if entry.sent_at is not None and entry.sent_at >= since and entry.intent.kind in kinds
            for side in (str(getattr(entry.intent, "side", "")),)
        ]
        return sorted(found, key=lambda order: order.sent_at)

    def workflows(self, magics: Iterable[int]) -> dict[int, str]:
        known = self._disk.magics
        return {magic: self._disk.orders[known[magic]].intent.workflow_id for magic in set(magics) if magic in known}

    def log_of(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        return [(what, detail) for owner, _, what, detail in self._disk.lines if owner == order_id]

    def account(self) -> AccountRecord | None:
        return self._disk.account

    def fact(self, key: str) -> Any:
        return self._disk.facts.get(key)

    def facts(self, prefix: str) -> dict[str, Any]:
        return {key: value for key, value in sorted(self._disk.facts.items()) if key.startswith(prefix)}

    def insert(self, entry: Entry) -> None:
        disk, order_id, magic = self._disk, entry.intent.client_order_id, entry.intent.magic
        if order_id in disk.orders or magic in disk.magics:
            raise StorageUnavailable("the order journal is damaged (an id or a magic number is taken)")
        disk.orders[order_id], disk.magics[magic] = _kept(entry), order_id
        self._undo.append(lambda: (disk.orders.pop(order_id), disk.magics.pop(magic), None)[-1])

    def update(self, entry: Entry) -> None:
        known = self._disk.orders.get(entry.intent.client_order_id)
        if known is not None:
            if entry.request is not known.request or entry.intent is not known.intent:
                request = None if entry.request is None else dict(entry.request)
                entry = entry._replace(intent=known.intent, request=request)
            self._put(entry, known)

    def decide_anew(self, intent: OrderIntent, at: datetime) -> None:
        known = self._disk.orders.get(intent.client_order_id)
        if known is not None:
            self._put(known._replace(intent=intent, updated_at=at), known)

    def log(self, order_id: str | None, at: datetime, what: str, detail: Mapping[str, Any]) -> None:
        lines = self._disk.lines
        lines.append((order_id, at, what, dict(detail)))
        self._undo.append(lambda: (lines.pop(), None)[-1])

    def put_account(self, record: AccountRecord) -> None:
        disk, before = self._disk, self._disk.account
        disk.account = record
        self._undo.append(lambda: setattr(disk, "account", before))

    def put_fact(self, key: str, value: Any, at: datetime) -> None:
        facts, before = self._disk.facts, self._disk.facts.get(key)
        _put_or_drop(facts, key, None if value is None else json.loads(_written(value)))
        self._undo.append(lambda: _put_or_drop(facts, key, before))

    def _put(self, entry: Entry, before: Entry) -> None:
        orders, order_id = self._disk.orders, entry.intent.client_order_id
        orders[order_id] = entry
        self._undo.append(lambda: orders.__setitem__(order_id, before))


def _put_or_drop(facts: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        facts.pop(key, None)
    else:
        facts[key] = value


class _Reading(_Rows):
    """Plain classes, as `_Transaction`: a schedule opens dozens of them, and generators cost more than what they do."""

    __slots__ = ()

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


class _Transaction(_Rows):
    """Ends on the disk, or as if it had never begun."""

    __slots__ = ("_kernel", "_process")

    def __init__(self, disk: Disk, kernel: Kernel, process: Process) -> None:
        self._disk = disk
        self._undo = []
        self._kernel = kernel
        self._process = process

    def __enter__(self) -> JournalWriter:
        self._kernel.point(self._process, "a write to the journal")
        if self._disk.damaged:
            raise _damaged()
        return self

    def __exit__(self, error: object, *_where: object) -> None:
        if error is not None:
            roll_back(self._undo)
            return
        if self._disk.full and self._undo:
            roll_back(self._undo)
            raise StorageUnavailable("the order journal cannot be used (the disk is full); nothing was sent")
        if not self._disk.fsync:
            self._disk.note_unsynced(self._undo)
        self._kernel.point(self._process, "a journal write that is done")


def _kept(entry: Entry) -> Entry:
    return entry if entry.request is None else entry._replace(request=dict(entry.request))
