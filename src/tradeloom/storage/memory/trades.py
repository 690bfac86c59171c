"""The trade ledger in memory. An instance is one database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tradeloom.engine.execution_trades import EntryOrder, LedgerShare, Result
from tradeloom.engine.trades import KeptTrade, TradeFilter, TradeGroup, TradeLine
from tradeloom.trading.trade_ledger import TradeRecord

_SUMMED: Final = ("volume", "gross", "commission", "swap", "fee", "net")
_Key = tuple[str, str, str, int]


class MemoryTrades:
    def __init__(self) -> None:
        self._rows: dict[_Key, KeptTrade] = {}
        self._kept_at: dict[_Key, datetime] = {}

    async def keep(self, tenant: str, session: str, trades: Sequence[TradeRecord], names: Mapping[str, str]) -> int:
        before = len(self._rows)
        for record in trades:
            name = names.get(record.workflow_id or "")
            kept = KeptTrade(session=session, workflow_name=name, record=record)
            key = (tenant, record.account, session, record.deal)
            self._rows.setdefault(key, kept)
            self._kept_at.setdefault(key, datetime.now(UTC))
        return len(self._rows) - before

    async def latest(self, tenant: str, account: str, session: str) -> datetime | None:
        closed = [kept.record.closed_at for key, kept in self._rows.items() if key[:3] == (tenant, account, session)]
        return max(closed, default=None)

    async def page(self, which: TradeFilter, *, limit: int, offset: int) -> tuple[list[KeptTrade], int]:
        found = self._matching(which)[::-1]
        return found[offset : offset + limit], len(found)

    async def lines(self, which: TradeFilter) -> list[TradeLine]:
        return [_line(kept) for kept in self._matching(which)]

    async def shares(self, tenant: str, execution_ids: Sequence[str]) -> dict[str, LedgerShare]:
        records = [kept.record for key, kept in self._rows.items() if key[0] == tenant]
        found = {}
        for each in execution_ids:
            own = [record for record in records if record.execution_id == each]
            others = [record for record in records if record.exit_execution_id == each and record.execution_id != each]
            if own or others:
                found[each] = LedgerShare(own=_results(own), closed_others=_results(others))
        return found

    async def closed_entries(self, tenant: str, entries: Sequence[EntryOrder]) -> set[str]:
        closed = [
            (kept.record, self._kept_at[key])
            for key, kept in self._rows.items()
            if key[0] == tenant and kept.record.left == 0
        ]
        return {
            entry.client_order_id
            for entry in entries
            if any(
                ((record.account, record.position) == (entry.account, entry.position) and kept_at >= entry.written_at)
                or (
                    record.execution_id == entry.execution_id and entry.client_order_id in record.entry_client_order_ids
                )
                for record, kept_at in closed
            )
        }

    async def results(self, tenant: str, workflow_id: str) -> list[Result]:
        return list(
            _results(
                kept.record
                for key, kept in self._rows.items()
                if key[0] == tenant and kept.record.workflow_id == workflow_id
            )
        )

    def _matching(self, which: TradeFilter) -> list[KeptTrade]:
        found = [kept for key, kept in self._rows.items() if key[0] == which.tenant and _matches(kept.record, which)]
        return sorted(found, key=lambda kept: (kept.record.closed_at, kept.record.deal))


def _results(records: Iterable[TradeRecord]) -> tuple[Result, ...]:
    """The records added up, by account and currency."""
    grouped: dict[tuple[str, str], list[TradeRecord]] = {}
    for record in records:
        grouped.setdefault((record.account, record.currency), []).append(record)
    return tuple(
        Result(
            account=account,
            currency=currency,
            trades=len(group),
            last_closed_at=max(record.closed_at for record in group),
            **{name: sum((getattr(record, name) for record in group), Decimal(0)) for name in _SUMMED},
        )
        for (account, currency), group in sorted(grouped.items())
    )


def _matches(record: TradeRecord, which: TradeFilter) -> bool:
    return (
        which.account in (None, record.account)
        and which.workflow_id in (None, record.workflow_id)
        and which.version in (None, record.workflow_version)
        and which.symbol in (None, record.symbol)
        and (which.since is None or record.closed_at >= which.since)
        and (which.until is None or record.closed_at <= which.until)
    )


def _line(kept: KeptTrade) -> TradeLine:
    record = kept.record
    group = TradeGroup(
        account=record.account,
        session=kept.session,
        currency=record.currency,
        workflow_id=record.workflow_id,
        workflow_name=kept.workflow_name,
        version=record.workflow_version,
    )
    return TradeLine(group, record.closed_at, record.deal, record.net, record.r_multiple)
