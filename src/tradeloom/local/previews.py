"""The API's previews on the local journal, stores and bridge."""

from collections.abc import Callable
from datetime import datetime

from tradeloom.api.models.previews import (
    Candles,
    ExpressionPreview,
    ExpressionPreviewRequest,
    IndicatorPreview,
    IndicatorPreviewRequest,
)
from tradeloom.engine.clock import Clock
from tradeloom.errors import NotFound
from tradeloom.local.bridging import OnLoop
from tradeloom.local.expression_previews import ExpressionPreviews
from tradeloom.local.indicator_previews import IndicatorPreviews
from tradeloom.local.market import PaperMarket
from tradeloom.local.storage import Storage
from tradeloom.trading.broker import Broker
from tradeloom.trading.timeframes import Timeframe


class LocalPreviews:
    def __init__(self, on_loop: OnLoop, expressions: ExpressionPreviews, indicators: IndicatorPreviews) -> None:
        self._on_loop = on_loop
        self._expressions = expressions
        self._indicators = indicators

    def expressions(self, tenant: str, wanted: ExpressionPreviewRequest) -> ExpressionPreview:
        return self._on_loop(self._expressions.preview(tenant, wanted))

    def candles(self, tenant: str, account: str, symbol: str, timeframe: Timeframe, count: int) -> Candles:
        return self._indicators.candles(account, symbol, timeframe, count)

    def indicator(self, tenant: str, wanted: IndicatorPreviewRequest) -> IndicatorPreview:
        return self._indicators.preview(wanted)


def previews_up(
    kept: Storage, on_loop: OnLoop, market: PaperMarket, clock_for_account: Callable[[str], Clock]
) -> LocalPreviews:
    def broker(account: str) -> Broker:
        if account not in market.accounts:
            raise NotFound(f"There is no account {account!r}.", field="account")
        assert market.client is not None
        return market.client.account(account)

    def now(account: str) -> datetime:
        return broker(account).market_time()

    expressions = ExpressionPreviews(
        journal=kept.journal, blobs=kept.blobs, pins=kept.pins, clock_for_account=clock_for_account
    )
    return LocalPreviews(on_loop, expressions, IndicatorPreviews(broker, now))
