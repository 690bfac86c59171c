"""The trade ledger as it is kept: copied from the broker's history, which may forget, and never changed after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Protocol

from tradeloom.engine.execution_trades import LedgerTotals
from tradeloom.trading.equity import CurvePoint, closed_curve
from tradeloom.trading.trade_ledger import TradeRecord
from tradeloom.trading.trade_stats import ClosedResult, GroupBy, TradeStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTrade:
    """A record, and the name its workflow had when it was kept. `session` tells the replays of a paper account apart,
    whose tickets and times come again; it is empty for a broker's account."""

    session: str
    workflow_name: str | None
    record: TradeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which trades; unset parts match all. `since` and `until` are closing times, both included."""

    tenant: str
    account: str | None = None
    workflow_id: str | None = None
    version: str | None = None
    symbol: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeGroup:
    """Trades that can be added up: of one account, one replay of it, one currency; None where they are nobody's or of
    several."""

    account: str
    session: str
    currency: str
    workflow_id: str | None = None
    workflow_name: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSummary:
    group: TradeGroup
    statistics: TradeStatistics
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeLine:
    """What a summary needs of a trade."""

    group: TradeGroup
    closed_at: datetime
    deal: int
    net: Decimal
    r_multiple: Decimal | None


class TradeStore(LedgerTotals, Protocol):
    """Every method raises `StorageUnavailable`."""

    async def keep(self, tenant: str, session: str, trades: Sequence[TradeRecord], names: Mapping[str, str]) -> int:
        """Keep those that are not kept yet, by account and deal; how many those were. `names` are of workflows by id.

        What is kept stays as it is: later on the broker's history may tell less.
        """
        ...

    async def latest(self, tenant: str, account: str, session: str) -> datetime | None:
        """When the last trade that is kept of an account was closed."""
        ...

    async def page(self, which: TradeFilter, *, limit: int, offset: int) -> tuple[list[KeptTrade], int]:
        """The last closed first, and how many match in all."""
        ...

    async def lines(self, which: TradeFilter) -> list[TradeLine]:
        """All that match, the first closed first."""
        ...


def summaries(lines: Iterable[TradeLine], by: GroupBy, *, points: int = 0) -> list[TradeSummary]:
    """The statistics of each account, of each workflow on it, or of each of a workflow's versions; with `points` also
    its curve, of at most so many."""

    def key(line: TradeLine) -> tuple[str, ...]:
        group = line.group
        parts = (group.account, group.session, group.currency)
        if by == "account":
            return parts
        owner = (group.workflow_id or "",)
        return (*parts, *owner) if by == "workflow" else (*parts, *owner, group.version or "")

    found = []
    for _, members in groupby(sorted(lines, key=lambda line: (key(line), line.closed_at, line.deal)), key):
        trades = list(members)
        last = trades[-1].group
        group = TradeGroup(
            account=last.account,
            session=last.session,
            currency=last.currency,
            workflow_id=None if by == "account" else last.workflow_id,
            workflow_name=None if by == "account" else last.workflow_name,
            version=last.version if by == "version" else None,
        )
        results = [ClosedResult(trade.closed_at, trade.net, trade.r_multiple) for trade in trades]
        curve = tuple(closed_curve(results, points)) if points else ()
        found.append(TradeSummary(group=group, statistics=TradeStatistics.of(results), curve=curve))
    return found
