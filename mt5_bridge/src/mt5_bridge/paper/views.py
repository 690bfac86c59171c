"""The broker's books as MetaTrader's structs: decimals and points become floats here and nowhere earlier."""

from decimal import Decimal

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.account import Account
from mt5_bridge.paper.config import AccountConfig
from mt5_bridge.paper.desk import Answer
from mt5_bridge.paper.feed import Quote
from mt5_bridge.paper.rates import QUOTE_FLAGS
from mt5_bridge.paper.records import Deal, Order, Position
from mt5_bridge.paper.structs import (
    AccountInfo,
    OrderCheckResult,
    OrderSendResult,
    TerminalInfo,
    Tick,
    TradeDeal,
    TradeOrder,
    TradePosition,
    TradeRequest,
)

BUILD = 6231
MAX_BARS = 100_000
"""The terminal's "max bars in chart": requests beyond it fail, as they do there."""

COMPANY = "Tradeloom"
TERMINAL_NAME = "Tradeloom Paper Terminal"


def price_of(points: Decimal | int, digits: int) -> float:
    return float(Decimal(points).scaleb(-digits))


def position_struct(account: Account, position: Position) -> TradePosition:
    digits = account.symbols[position.symbol].digits
    return TradePosition(
        ticket=position.ticket,
        time=position.time_msc // 1_000,
        time_msc=position.time_msc,
        time_update=position.time_update_msc // 1_000,
        time_update_msc=position.time_update_msc,
        type=position.type,
        magic=position.magic,
        identifier=position.identifier,
        reason=position.reason,
        volume=float(position.volume),
        price_open=price_of(position.price, digits),
        sl=price_of(position.sl, digits),
        tp=price_of(position.tp, digits),
        price_current=price_of(account.closing_price(position), digits),
        swap=float(position.swap),
        profit=float(account.floating(position)),
        symbol=position.symbol,
        comment=position.comment,
        external_id="",
    )


def order_struct(order: Order, quote: tuple[int, int] | None) -> TradeOrder:
    """`quote` (bid, ask in points) gives a pending order its current price; a past one keeps its own."""
    current = order.price_current
    if not order.time_done_msc and quote is not None:
        current = quote[1] if order.is_buy else quote[0]
    return TradeOrder(
        ticket=order.ticket,
        time_setup=order.time_setup_msc // 1_000,
        time_setup_msc=order.time_setup_msc,
        time_done=order.time_done_msc // 1_000,
        time_done_msc=order.time_done_msc,
        time_expiration=order.expiration,
        type=order.type,
        type_time=order.type_time,
        type_filling=order.type_filling,
        state=order.state,
        magic=order.magic,
        position_id=order.position_id,
        position_by_id=order.position_by_id,
        reason=order.reason,
        volume_initial=float(order.volume_initial),
        volume_current=float(order.volume_current),
        price_open=price_of(order.price, order.digits),
        sl=price_of(order.sl, order.digits),
        tp=price_of(order.tp, order.digits),
        price_current=price_of(current, order.digits),
        price_stoplimit=price_of(order.stoplimit, order.digits),
        symbol=order.symbol,
        comment=order.comment,
        external_id="",
    )


def deal_struct(deal: Deal) -> TradeDeal:
    return TradeDeal(
        ticket=deal.ticket,
        order=deal.order_ticket,
        time=deal.time_msc // 1_000,
        time_msc=deal.time_msc,
        type=deal.type,
        entry=deal.entry,
        magic=deal.magic,
        position_id=deal.position_id,
        reason=deal.reason,
        volume=float(deal.volume),
        price=price_of(deal.price, deal.digits),
        commission=float(deal.commission),
        swap=float(deal.swap),
        profit=float(deal.profit),
        fee=0.0,
        symbol=deal.symbol,
        comment=deal.comment,
        external_id="",
    )


def tick_struct(quote: Quote | None, digits: int) -> Tick:
    """Before a symbol's first bar everything is zero."""
    if quote is None:
        return Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)
    bid, ask = price_of(quote.bid, digits), price_of(quote.ask, digits)
    return Tick(quote.time_msc // 1_000, bid, ask, 0.0, 0, quote.time_msc, QUOTE_FLAGS, 0.0)


def account_struct(account: Account, login: int) -> AccountInfo:
    config: AccountConfig = account.config
    profit, margin = account.profit(), account.margin()
    equity = account.balance + profit
    hedging, netting = mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING, mt5.ACCOUNT_MARGIN_MODE_RETAIL_NETTING
    return AccountInfo(
        login=login,
        trade_mode=mt5.ACCOUNT_TRADE_MODE_DEMO,
        leverage=config.leverage,
        limit_orders=config.limit_orders,
        margin_so_mode=mt5.ACCOUNT_STOPOUT_MODE_PERCENT,
        trade_allowed=True,
        trade_expert=True,
        margin_mode=hedging if account.is_hedging else netting,
        currency_digits=config.currency_digits,
        fifo_close=False,
        balance=float(account.balance),
        credit=0.0,
        profit=float(profit),
        equity=float(equity),
        margin=float(margin),
        margin_free=float(equity - margin),
        margin_level=_level(equity, margin),
        margin_so_call=float(config.margin_call_level),
        margin_so_so=float(config.stop_out_level),
        margin_initial=0.0,
        margin_maintenance=0.0,
        assets=0.0,
        liabilities=0.0,
        commission_blocked=0.0,
        name=config.name,
        server=config.server,
        currency=config.currency,
        company=config.company,
    )


def terminal_struct(directory: str, *, connected: bool) -> TerminalInfo:
    return TerminalInfo(
        community_account=False,
        community_connection=False,
        connected=connected,
        dlls_allowed=False,
        trade_allowed=True,
        tradeapi_disabled=False,
        email_enabled=False,
        ftp_enabled=False,
        notifications_enabled=False,
        mqid=False,
        build=BUILD,
        maxbars=MAX_BARS,
        codepage=0,
        ping_last=0,
        community_balance=0.0,
        retransmission=0.0,
        company=COMPANY,
        name=TERMINAL_NAME,
        language="English",
        path=directory,
        data_path=directory,
        commondata_path=directory,
    )


def send_result(answer: Answer, request: TradeRequest, request_id: int) -> OrderSendResult:
    digits = answer.symbol.digits if answer.symbol is not None else 0
    bid, ask = answer.quote
    return OrderSendResult(
        retcode=answer.retcode,
        deal=answer.deal,
        order=answer.order,
        volume=float(answer.volume),
        price=price_of(answer.price, digits),
        bid=price_of(bid, digits),
        ask=price_of(ask, digits),
        comment=answer.comment,
        request_id=request_id,
        retcode_external=0,
        request=request,
    )


def check_result(
    account: Account, margin: Decimal, request: TradeRequest, retcode: int = 0, comment: str = "Done"
) -> OrderCheckResult:
    """`margin` is what would be in use after the request."""
    profit = account.profit()
    equity = account.balance + profit
    return OrderCheckResult(
        retcode=retcode,
        balance=float(account.balance),
        equity=float(equity),
        profit=float(profit),
        margin=float(margin),
        margin_free=float(equity - margin),
        margin_level=_level(equity, margin),
        comment=comment,
        request=request,
    )


def _level(equity: Decimal, margin: Decimal) -> float:
    return float(equity / margin * 100) if margin else 0.0
