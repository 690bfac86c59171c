"""The worker process: one per account, the only one that talks to its terminal.

It answers one message at a time over a pipe from the front, JSON and raw arrays, nothing pickled: eight bytes of
sequence number, a byte each for the lengths of method and request id, those two, the payload; back come the number, one
byte that is 1 when the worker should be replaced, two bytes of the length of the tally, the tally, and the answer.
"""

import json
import logging
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.clock import AccountClock, ReplayClock, WallClock
from mt5_bridge.config import AccountConfig
from mt5_bridge.flatten_store import FlattenStore
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from mt5_bridge.logs import about, log_to
from mt5_bridge.process_lock import ProcessLock
from mt5_bridge.terminal import Terminal, failure, load_terminal
from mt5_bridge.worker_start import ANSWER_HEAD, REQUEST_HEAD
from tradeloom.errors import BrokerUnavailable, Conflict, TradeloomError

_PREDECESSOR_LEAVES_S = 3.0
_log = logging.getLogger(__name__)


def connect_terminal(settings: AccountConfig) -> tuple[Terminal, AccountClock]:
    """Loads and initializes the account's terminal and checks who it is logged in as. Raises `BrokerUnavailable`."""
    terminal, control = load_terminal(settings.terminal)
    options: dict[str, Any] = {"login": settings.login, "timeout": int(settings.start_timeout_s * 1000)}
    password = settings.resolve_password()
    if password is not None:
        options["password"] = password.get_secret_value()
    if settings.server is not None:
        options["server"] = settings.server
    if not terminal.initialize(str(settings.terminal_path), portable=settings.portable, **options):
        raise BrokerUnavailable(failure(terminal, f"starting the terminal {settings.terminal_path}").message)
    account = terminal.account_info()
    if account is None or account.login != settings.login:
        found = "no account" if account is None else f"account {account.login}"
        terminal.shutdown()
        raise BrokerUnavailable(f"the terminal is logged in to {found}, not {settings.login}")
    return terminal, WallClock() if control is None else ReplayClock(control)


def main(connection: Connection, settings_json: str, directory: str, log_level: str, news: Connection) -> None:
    """The process: says `{}` or `{"error": ...}` once, then answers until the pipe closes. `news` is a second pipe, one
    way, for what nobody asked; the front reads it at all times."""
    # The front decides when we go, by closing the pipe: a signal to the whole group must not cut an order in two.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = AccountConfig.model_validate_json(settings_json)
    log_to(Path(directory) / "worker.log", log_level)
    try:
        lock = _only_worker(Path(directory) / "worker.lock")
        terminal, clock = connect_terminal(settings)
        journal_path = Path(directory) / "journal.sqlite3"
        guards_path = Path(directory) / "guards.sqlite3"
        flattens_path = Path(directory) / "flattens.sqlite3"
        worker = AccountWorker(
            settings,
            terminal,
            clock,
            lambda: Journal(journal_path),
            lambda: GuardStore(guards_path),
            open_flattens=lambda: FlattenStore(flattens_path),
        )
    except TradeloomError as error:
        _log.error("the worker cannot start: %s", error.message)
        connection.send_bytes(json.dumps({"error": error.message}).encode())
        return
    worker.scout.tell = news.send_bytes
    connection.send_bytes(b"{}")
    try:
        _serve(connection, worker)
    except (EOFError, OSError):
        _log.info("the front is gone")
    finally:
        worker.close()
        lock.release()


def _serve(connection: Connection, worker: AccountWorker) -> None:
    """Answers calls, and does its own duties between them, until the front is gone or the terminal's pipe broke."""
    while True:
        if not connection.poll(worker.patience_s()):
            worker.between_calls()
            if worker.recycle:
                return  # nobody waits for an answer that could say so
            continue
        message = connection.recv_bytes()
        number, length, id_length = REQUEST_HEAD.unpack_from(message)
        start = REQUEST_HEAD.size
        method = message[start : start + length].decode()
        payload_at = start + length + id_length
        with about(request=message[start + length : payload_at].decode(errors="replace")):
            began = time.monotonic()
            answer = worker.handle(method, message[payload_at:])
            level = logging.INFO if method == "send" else logging.DEBUG
            _log.log(level, "%s took %.1f ms", method, (time.monotonic() - began) * 1000)
        tally = worker.tally.take()
        connection.send_bytes(ANSWER_HEAD.pack(number, worker.recycle, len(tally)) + tally + answer)
        worker.between_calls(at_once=method == "send")
        worker.look_at_connection()


def _only_worker(path: Path) -> ProcessLock:
    """Whoever else holds the account is an orphan of a front that is gone: it is let finish, then ended."""
    lock = ProcessLock(path)
    try:
        lock.acquire(_PREDECESSOR_LEAVES_S)
    except Conflict as held:
        _log.warning("%s; ending it", held.message)
        lock.evict(_PREDECESSOR_LEAVES_S)
    return lock
