"""What an execution's orders came to: the orders' rows say what was executed, the ledger what it made once closed.

A position belongs to the execution whose order opened it, whoever closes it and whenever. So the profit or loss of all
executions and of what nobody's order opened add up to the ledger's. An execution that closed what another one had
opened is told so, beside its own result and never in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from tradeloom.engine.orders import OrderRecord, OrderState

TradesState = Literal["none", "pending", "open", "closed"]
"""NONE: no order of it was executed. PENDING: it placed orders of which the ledger knows nothing yet. OPEN: something
it opened is not closed, or not all of it. CLOSED: all is."""

NOTHING: Final = Decimal(0)
_TRADING: Final = frozenset({"market", "pending", "close"})
_OPENING: Final = frozenset({"market", "pending"})
_NOT_SENT: Final[frozenset[OrderState]] = frozenset({"withdrawn", "not_sent"})


@dataclass(frozen=True, slots=True)
class EntryOrder:
    """An order that opened a position or may yet: its id, its account and execution, the position it is known to have
    opened, and when it was written down."""

    client_order_id: str
    execution_id: str
    account: str
    position: int | None
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSums:
    """`orders` were sent, or perhaps; `executed` of them filled, at least in part, with `volume` lots in all."""

    orders: int = 0
    executed: int = 0
    volume: Decimal = NOTHING
    entries: tuple[EntryOrder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Closed trades in one account's currency: how many, their lots, and what they made. `gross` is by prices alone;
    `net` has commission, swap and fees in it, which are negative."""

    account: str
    currency: str
    trades: int
    volume: Decimal
    gross: Decimal
    commission: Decimal
    swap: Decimal
    fee: Decimal
    net: Decimal
    last_closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerShare:
    """`own` is what became of positions it opened; `closed_others` what it closed of positions it did not open."""

    own: tuple[Result, ...] = ()
    closed_others: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionTrades:
    state: TradesState = "none"
    orders: int = 0
    executed: int = 0
    volume: Decimal = NOTHING
    results: tuple[Result, ...] = ()
    closed_others: tuple[Result, ...] = ()

    @property
    def trades(self) -> int:
        """Closed trades, over all accounts."""
        return sum(result.trades for result in self.results)


class ExecutedOrders(Protocol):
    async def of_executions(self, tenant: str, execution_ids: Sequence[str]) -> list[OrderRecord]:
        """Raises `StorageUnavailable`."""
        ...


class LedgerTotals(Protocol):
    """Every method raises `StorageUnavailable`."""

    async def shares(self, tenant: str, execution_ids: Sequence[str]) -> dict[str, LedgerShare]:
        """By execution; one of which the ledger knows nothing is left out."""
        ...

    async def closed_entries(self, tenant: str, entries: Sequence[EntryOrder]) -> set[str]:
        """Ids of the orders whose position is closed, all of it."""
        ...

    async def results(self, tenant: str, workflow_id: str) -> list[Result]:
        """What a workflow's positions made, of each account and currency."""
        ...


async def trades_of(
    tenant: str, execution_ids: Sequence[str], orders: ExecutedOrders, ledger: LedgerTotals
) -> Mapping[str, ExecutionTrades]:
    """The trades of each of the executions, in three questions however many they are."""
    if not execution_ids:
        return {}
    sums = order_sums(await orders.of_executions(tenant, execution_ids))
    entries = [entry for each in sums.values() for entry in each.entries]
    # Asked first: what the ledger says is closed has its results there when they are asked for.
    closed = await ledger.closed_entries(tenant, entries) if entries else set()
    shares = await ledger.shares(tenant, execution_ids)
    return {
        each: _combined(sums.get(each, OrderSums()), shares.get(each, LedgerShare()), closed) for each in execution_ids
    }


def order_sums(records: Iterable[OrderRecord]) -> dict[str, OrderSums]:
    """By execution; one that sent nothing that trades is left out."""
    found: dict[str, OrderSums] = {}
    for record in records:
        kind, outcome = record.intent.get("kind"), record.outcome or {}
        if kind not in _TRADING or record.state in _NOT_SENT:
            continue
        filled = Decimal(str(outcome.get("volume") or 0))
        before = found.get(record.execution_id, OrderSums())
        opens = kind in _OPENING and (filled > 0 or record.state == "placed")
        found[record.execution_id] = OrderSums(
            orders=before.orders + 1,
            executed=before.executed + (filled > 0),
            volume=before.volume + filled,
            entries=(*before.entries, _entry(record, outcome)) if opens else before.entries,
        )
    return found


def _entry(record: OrderRecord, outcome: Mapping[str, Any]) -> EntryOrder:
    position = outcome.get("position")
    return EntryOrder(record.client_order_id, record.execution_id, record.account, position, record.created_at)


def _combined(sums: OrderSums, share: LedgerShare, closed: set[str]) -> ExecutionTrades:
    return ExecutionTrades(
        state=_state(sums, share, closed),
        orders=sums.orders,
        executed=sums.executed,
        volume=sums.volume,
        results=share.own,
        closed_others=share.closed_others,
    )


def _state(sums: OrderSums, share: LedgerShare, closed: set[str]) -> TradesState:
    left = [entry for entry in sums.entries if entry.client_order_id not in closed]
    if any(entry.position is not None for entry in left):
        return "open"
    if left:
        return "pending"
    return "closed" if sums.executed or share.own else "none"
