"""The API's trades from the kept ledger."""

from dataclasses import asdict
from decimal import Decimal
from typing import Final

from tradeloom.api.models.trades import Trade, TradePage, TradeQuery, TradeSummaryItem, TradeSummaryList
from tradeloom.engine.trades import KeptTrade, TradeFilter, TradeStore, TradeSummary, summaries
from tradeloom.errors import InvalidInput
from tradeloom.local.bridging import OnLoop
from tradeloom.trading.trade_stats import GroupBy

MOST_EXPORTED: Final = 10_000


class LocalTrades:
    def __init__(self, on_loop: OnLoop, trades: TradeStore) -> None:
        self._on_loop = on_loop
        self._trades = trades

    def page(self, tenant: str, wanted: TradeQuery, *, limit: int, offset: int) -> TradePage:
        found, total = self._on_loop(self._trades.page(_filter(tenant, wanted), limit=limit, offset=offset))
        return TradePage(items=[trade_of(kept) for kept in found], total=total)

    def summary(self, tenant: str, wanted: TradeQuery, by: GroupBy, *, points: int) -> TradeSummaryList:
        lines = self._on_loop(self._trades.lines(_filter(tenant, wanted)))
        return TradeSummaryList(items=[summary_of(each) for each in summaries(lines, by, points=points)])

    def export(self, tenant: str, wanted: TradeQuery) -> list[Trade]:
        return self._on_loop(exported(self._trades, tenant, wanted))


async def exported(trades: TradeStore, tenant: str, wanted: TradeQuery) -> list[Trade]:
    """All that match, the first closed first. Raises `InvalidInput` where there are too many."""
    found, total = await trades.page(_filter(tenant, wanted), limit=MOST_EXPORTED, offset=0)
    if total > MOST_EXPORTED:
        raise InvalidInput(
            f"{total:,} trades match, more than the {MOST_EXPORTED:,} one export may hold.",
            field="since",
            hint="Ask for a shorter period at once.",
        )
    return [trade_of(kept) for kept in reversed(found)]


def trade_of(kept: KeptTrade) -> Trade:
    record = kept.record
    told = record.model_dump(include=set(Trade.model_fields))
    return Trade.model_validate(
        {
            **told,
            "replay": kept.session,
            "workflow_name": kept.workflow_name,
            "version": record.workflow_version,
            "commission": record.commission,
            "duration_s": record.duration_s,
        }
    )


def summary_of(summary: TradeSummary) -> TradeSummaryItem:
    group = asdict(summary.group)
    figures = {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in asdict(summary.statistics).items()
    }
    curve = [asdict(point) for point in summary.curve]
    return TradeSummaryItem.model_validate({**figures, **group, "replay": group["session"], "curve": curve})


def _filter(tenant: str, wanted: TradeQuery) -> TradeFilter:
    return TradeFilter(tenant=tenant, **asdict(wanted))
