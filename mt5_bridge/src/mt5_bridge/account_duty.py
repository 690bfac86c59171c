"""Looks at the account while nobody trades, so that a day or a drawdown that goes too far is seen when it happens."""

import logging
import time
from collections.abc import Callable

from mt5_bridge.account_watch import AccountWatch
from mt5_bridge.clock import AccountClock
from mt5_bridge.journal import Journal
from mt5_bridge.risk_book import Unjudgeable
from mt5_bridge.terminal import PipeBroken, Terminal, connected_account
from tradeloom.errors import TradeloomError

INTERVAL_S = 1.0
"""Between looks, by the wall clock; a replay that stands still is looked at after calls only."""
_AFTER_TROUBLE_S = 5.0

_log = logging.getLogger(__name__)


class AccountDuty:
    """Never raises; `pipe_broken` says that the worker must be replaced."""

    def __init__(
        self,
        terminal: Terminal,
        journal: Journal,
        watch: AccountWatch,
        clock: AccountClock,
        *,
        login: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._journal = journal
        self._watch = watch
        self._clock = clock
        self._login = login
        self._monotonic = monotonic
        self._due = monotonic()
        self._told: str | None = None
        self.pipe_broken = False

    def patience_s(self) -> float | None:
        """How long the worker may wait for a call before `look_if_due`; None: until one comes."""
        try:
            clock = self._clock.reading()
        except TradeloomError:
            return _AFTER_TROUBLE_S
        stands = clock.paper and not clock.speed
        return None if stands else max(self._due - self._monotonic(), 0.0)

    def look_if_due(self) -> None:
        if self._monotonic() < self._due:
            return
        self._due = self._monotonic() + INTERVAL_S
        try:
            account = connected_account(self._terminal, self._login)
            self._watch.look(account, self._journal.status().limits)
        except Unjudgeable as unknown:
            self._say(unknown.message)
        except PipeBroken as error:
            self.pipe_broken = True
            self._say(error.message)
        except TradeloomError as error:
            self._say(error.message)
        except Exception:
            _log.exception("looking at the account failed")
            self._due += _AFTER_TROUBLE_S
        else:
            self._told = None

    def _say(self, message: str) -> None:
        self._due = self._monotonic() + _AFTER_TROUBLE_S
        if message != self._told:
            _log.warning("how the account stands cannot be told: %s", message)
        self._told = message
