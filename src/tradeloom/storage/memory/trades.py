"""The trade ledger in memory. An instance is one database."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tradeloom.engine.trades import KeptTrade, TradeFilter, TradeGroup, TradeLine
from tradeloom.trading.trade_ledger import TradeRecord


class MemoryTrades:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str, int], KeptTrade] = {}

    async def keep(self, tenant: str, session: str, trades: Sequence[TradeRecord], names: Mapping[str, str]) -> int:
        before = len(self._rows)
        for record in trades:
            name = names.get(record.workflow_id or "")
            kept = KeptTrade(session=session, workflow_name=name, record=record)
            self._rows.setdefault((tenant, record.account, session, record.deal), kept)
        return len(self._rows) - before

    async def latest(self, tenant: str, account: str, session: str) -> datetime | None:
        closed = [kept.record.closed_at for key, kept in self._rows.items() if key[:3] == (tenant, account, session)]
        return max(closed, default=None)

    async def page(self, which: TradeFilter, *, limit: int, offset: int) -> tuple[list[KeptTrade], int]:
        found = self._matching(which)[::-1]
        return found[offset : offset + limit], len(found)

    async def lines(self, which: TradeFilter) -> list[TradeLine]:
        return [_line(kept) for kept in self._matching(which)]

    def _matching(self, which: TradeFilter) -> list[KeptTrade]:
        found = [kept for key, kept in self._rows.items() if key[0] == which.tenant and _matches(kept.record, which)]
        return sorted(found, key=lambda kept: (kept.record.closed_at, kept.record.deal))


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
