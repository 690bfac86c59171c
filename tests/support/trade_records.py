"""Records of the trade ledger for tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeloom.trading.intents import Side
from tradeloom.trading.trade_ledger import TradeRecord

CLOSED = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def make_record(deal: int, net: str = "10.00", **changes: Any) -> TradeRecord:
    """A long trade in EURUSD that was closed `deal` minutes after `CLOSED`."""
    values: dict[str, Any] = {
        "account": "paper",
        "currency": "USD",
        "deal": deal,
        "position": deal - 1,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume": Decimal("0.10"),
        "held": Decimal("0.10"),
        "left": Decimal(0),
        "price_open": 1.1,
        "price_close": 1.101,
        "opened_at": CLOSED - timedelta(hours=2),
        "closed_at": CLOSED + timedelta(minutes=deal),
        "gross": Decimal(net),
        "swap": Decimal(0),
        "commission_open": Decimal(0),
        "commission_close": Decimal(0),
        "fee": Decimal(0),
        "net": Decimal(net),
        "reason": "workflow",
        "entries": 1,
        "entry_orders": (deal - 1,),
        "entry_deals": (deal - 1,),
        "exit_order": deal,
        "workflow_id": "wf-1",
        "workflow_version": "v1",
        "execution_id": "exec-1",
        "entry_node": "buy",
        "exit_node": "close",
        "magic": 1,
        "comment": "",
    }
    return TradeRecord(**{**values, **changes})
