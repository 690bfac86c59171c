"""One account at the front: how it stands, and what needs no worker."""

import json
import logging
import time
from functools import partial
from typing import Any

from mt5_bridge import risk_facts
from mt5_bridge.config import AccountConfig, BridgeConfig
from mt5_bridge.flatten_store import FlattenStore
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import SENDABLE, Entry, Journal
from mt5_bridge.market_board import MarketBoard
from mt5_bridge.market_scout import METHOD as WATCH
from mt5_bridge.metrics import Metrics
from mt5_bridge.supervisor import HandedOver, Supervisor
from mt5_bridge.trouble import unusable
from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.trading.flattening import FlattenStatus
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.methods import (
    AccountStatus,
    LimitsParams,
    MarketChange,
    MarketWaitParams,
    StateParams,
    UnthrottleParams,
)
from tradeloom.trading.risk import AccountState

ACCOUNT_SETTINGS = (StateParams, LimitsParams, UnthrottleParams)
"""Calls that set something of the account; see `Seat.change`."""

_log = logging.getLogger(__name__)


class Seat:
    """The supervisor of the account's worker, and the files the front reads and writes by itself."""

    def __init__(self, settings: AccountConfig, config: BridgeConfig, metrics: Metrics) -> None:
        self.settings = settings
        self.board = MarketBoard()
        self.supervisor = Supervisor(
            settings,
            config.account_dir(settings.name),
            config.log_level,
            partial(metrics.told, settings.name),
            self.board.hear,
        )
        self._config = config
        self._journal: Journal | None = None
        self._trouble: StorageUnavailable | None = None
        self._guards: GuardStore | None = None
        self._guards_trouble: StorageUnavailable | None = None
        self._flattens: FlattenStore | None = None
        self._flattens_trouble: StorageUnavailable | None = None
        try:
            self._flattens = FlattenStore(config.flattens_path(settings.name))
        except StorageUnavailable as error:
            self._flattens_trouble = error.with_traceback(None)
            _log.error("account %s: %s", settings.name, error.message)
        try:
            self._guards = GuardStore(config.guards_path(settings.name))
        except StorageUnavailable as error:
            self._guards_trouble = error.with_traceback(None)
            _log.error("account %s: %s", settings.name, error.message)
        try:
            self._journal = Journal(config.journal_path(settings.name))
            self._journal.set_limits(settings.limits)
        except StorageUnavailable as error:
            self._trouble = error.with_traceback(None)
            _log.error("account %s cannot trade: %s", settings.name, error.message)

    @property
    def journal(self) -> Journal:
        if self._journal is None or self._trouble is not None:
            raise unusable("the order journal", self._trouble)
        return self._journal

    @property
    def guards(self) -> GuardStore:
        if self._guards is None:
            raise unusable("the guards' file", self._guards_trouble)
        return self._guards

    @property
    def flattens(self) -> FlattenStore:
        if self._flattens is None:
            raise unusable("the flattens' file", self._flattens_trouble)
        return self._flattens

    def change(self, wanted: StateParams | LimitsParams | UnthrottleParams) -> AccountStatus:
        """What a person sets of the account, in the journal, where the worker finds it; how the account then stands."""
        match wanted:
            case StateParams():
                status = self.set_state(wanted)
            case LimitsParams():
                status = self.journal.change_limits(
                    wanted.limits, reason=wanted.reason, by=wanted.by, clear=wanted.clear, expected=wanted.expected
                )
            case UnthrottleParams():
                status = self.journal.unthrottle(wanted.workflow_id, reason=wanted.reason, by=wanted.by)
        return self._with_day(status)

    def set_state(self, wanted: StateParams) -> AccountStatus:
        """Raises `Conflict` for a loosening that no person asked for. A flatten that still runs ends with the halt."""
        status = self.journal.set_state(wanted.state, reason=wanted.reason, by=wanted.by, clear=wanted.clear)
        if status.state is not AccountState.HALTED and self._flattens is not None:
            self._flattens.end(FlattenStatus.ABANDONED)
        return status

    def wait_for_market(self, asked: MarketWaitParams, give_up: float) -> MarketChange:
        """See `MarketBoard`; the worker is told what to watch before anything is waited for. Raises `BrokerUnavailable`
        while there is no worker to watch it."""
        epoch, watched = self.board.epoch, self.board.wanted(asked.symbols)
        if watched is not None:
            try:
                self.supervisor.request(WATCH, json.dumps(sorted(watched)).encode(), give_up)
            except HandedOver as lost:
                raise BrokerUnavailable(lost.message) from lost
            self.board.watching(watched, epoch)
        return self.board.wait(asked, min(give_up, time.monotonic() + asked.timeout_s))

    def status(self) -> AccountStatus:
        """How the account stands, with its day."""
        return self._with_day(self.journal.status())

    def _with_day(self, status: AccountStatus) -> AccountStatus:
        return status.model_copy(update={"day": risk_facts.day_figures(self.journal.fact(risk_facts.DAY))})

    def health(self) -> dict[str, Any]:
        health = {"terminal": self.settings.terminal, **self.supervisor.health()}
        try:
            health |= {"guards": self.guards.count_active(), "guards_file": "ok"}
        except StorageUnavailable as error:
            health |= {"guards": None, "guards_file": error.message}
        try:
            health |= {
                "state": self.journal.status().state,
                "unsettled": self.journal.undecided(),
                "journal": "ok",
                "flattening": self._flattens is not None and self._flattens.running() is not None,
            }
        except StorageUnavailable as error:
            health |= {"state": None, "unsettled": None, "journal": error.message}
        return health

    def books(self) -> dict[str, Any]:
        """What the journal holds: `orders` by state, None when it cannot be read; `bytes` on the disk; and `account`,
        why it is in its state."""
        path = self._config.journal_path(self.settings.name)
        sizes = (file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
        try:
            orders, account = self.journal.counts(), self.journal.status().model_dump(mode="json")
        except StorageUnavailable:
            orders, account = None, None
        return {"orders": orders, "bytes": sum(sizes), "account": account}

    def after_loss(self, order_id: str, why: str, *, process_gone: bool) -> OrderOutcome:
        """What the journal says of an order whose worker stopped answering.

        Once that process has ended nothing can be under way any more, so a row that never reached SENT was not sent.
        """
        entry: Entry | None = None
        try:
            entry = self.journal.entry(order_id)
        except StorageUnavailable as error:
            _log.error("order %s: %s", order_id, error.message)
            process_gone = False  # we may not conclude anything from a journal we cannot read
        if process_gone and (entry is None or entry.state in SENDABLE):
            raise BrokerUnavailable(f"{why} before the order was sent; nothing was sent")
        known = entry.outcome() if entry else None
        return known or OrderOutcome(client_order_id=order_id, status=OutcomeStatus.UNKNOWN, message=why)

    def close(self) -> None:
        self.supervisor.stop()
        for file in (self._journal, self._guards, self._flattens):
            if file is not None:
                file.close()
