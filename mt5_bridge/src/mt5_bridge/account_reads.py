"""What an account's worker tells without changing anything: the market, the account, what is and was on it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from mt5_bridge.clock import AccountClock
from mt5_bridge.config import AccountConfig
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from mt5_bridge.ledger import Ledger
from mt5_bridge.reader import Reader
from mt5_bridge.terminal import Terminal, connected_account
from mt5_bridge.trade_records import TradeRecords
from mt5_bridge.trouble import unusable
from tradeloom.errors import BrokerError, StorageUnavailable
from tradeloom.trading import methods
from tradeloom.trading.broker import ClosedTrade, EndedOrder, PendingOrder, Position
from tradeloom.trading.guards import GuardReport
from tradeloom.trading.methods import Params
from tradeloom.trading.trade_ledger import TradeRecord


class AccountReads:
    """`journal` and `guards` are None where they cannot be used; `journal_trouble` tells why the journal cannot be."""

    def __init__(
        self,
        settings: AccountConfig,
        terminal: Terminal,
        clock: AccountClock,
        reader: Reader,
        ledger: Ledger,
        journal: Journal | None,
        journal_trouble: StorageUnavailable | None,
        guards: GuardStore | None,
    ) -> None:
        self._settings = settings
        self._terminal = terminal
        self._clock = clock
        self._reader = reader
        self._ledger = ledger
        self._journal = journal
        self._journal_trouble = journal_trouble
        self._guards = guards

    def answer(self, method: str, params: Params) -> Any:
        """What JSON tells of it. Raises what the terminal, or the journal, says is wrong."""
        match method, params:
            case "market_clock", _:
                return self._clock.reading().model_dump(mode="json")
            case "account", _:
                return self._reader.account().model_dump(mode="json")
            case "symbol", methods.SymbolParams():
                return self._reader.symbol(params.symbol).model_dump(mode="json")
            case "tick", methods.SymbolParams():
                return self._reader.tick(params.symbol).model_dump(mode="json")
            case "booked", methods.PeriodParams():
                return self._ledger.booked(params.since, params.until).model_dump(mode="json")
            case "positions" | "orders" | "ended_orders" | "trades" | "trade_ledger" | "cash_flows", _:
                return [fact.model_dump(mode="json") for fact in self._listed(method, params)]
            case "profit", methods.ProfitParams():
                return self._reader.profit(
                    params.symbol, params.side, params.volume, params.price_open, params.price_close
                )
            case "margin", methods.MarginParams():
                return self._reader.margin(params.symbol, params.side, params.volume, params.price)
            case "next_event_time", _:
                moment = self._clock.next_event_time()
                return None if moment is None else moment.isoformat()
        raise BrokerError(f"the worker does not know the method {method}")

    def _listed(self, method: str, params: Params) -> Sequence[BaseModel]:
        match method, params:
            case "positions", methods.PositionsParams():
                return self._with_workflows(self._reader.positions(params.symbol))
            case "orders", methods.PositionsParams():
                return self._with_workflows(self._reader.orders(params.symbol))
            case "ended_orders", methods.EndedOrdersParams():
                return self._with_workflows(self._ledger.ended_orders(params.since, params.until, params.tickets))
            case "trade_ledger", methods.TradeLedgerParams():
                return self._trade_ledger(params)
            case "trades", methods.TradesParams():
                return self._with_workflows(self._ledger.trades(params.since, params.until, params.symbol))
            case "cash_flows", methods.PeriodParams():
                return self._ledger.cash_flows(params.since, params.until)
        raise BrokerError(f"the worker does not know the method {method}")

    def _trade_ledger(self, asked: methods.TradeLedgerParams) -> list[TradeRecord]:
        """Raises what is wrong with a journal that cannot be used: without it nobody can say whose a trade was. So does
        a terminal without its trade server, which would show a period as complete that is not."""
        journal = self._usable_journal()
        connected_account(self._terminal, self._settings.login)
        records = TradeRecords(
            self._terminal, self._ledger, self._settings.name, orders=journal.orders_by_magic, guards=self._guards_of
        )
        return records.page(
            asked.since,
            asked.until,
            symbol=asked.symbol,
            workflow_id=asked.workflow_id,
            after_deal=asked.after_deal,
            limit=asked.limit,
        )

    def _guards_of(self, position: int) -> list[GuardReport]:
        return [] if self._guards is None else self._guards.listed(active_only=False, symbol=None, position=position)

    def _usable_journal(self) -> Journal:
        if self._journal is None or self._journal_trouble is not None:
            raise unusable("the order journal", self._journal_trouble)
        return self._journal

    def _with_workflows[F: (Position, PendingOrder, EndedOrder, ClosedTrade)](self, facts: list[F]) -> list[F]:
        """Each with the workflow whose order opened it, as far as the journal can say."""
        if self._journal is None or not facts:
            return facts
        workflows = self._journal.workflows(fact.magic for fact in facts)
        return [fact.model_copy(update={"workflow_id": workflows.get(fact.magic)}) for fact in facts]
