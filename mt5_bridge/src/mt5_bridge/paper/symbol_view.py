"""`SymbolInfo`: a symbol's specification with its quote and its day so far."""

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.account import Account
from mt5_bridge.paper.config import WEEKDAYS, SymbolConfig
from mt5_bridge.paper.errors import NoConversion
from mt5_bridge.paper.feed import Quote
from mt5_bridge.paper.rates import Records
from mt5_bridge.paper.structs import SymbolInfo
from mt5_bridge.paper.views import price_of

_FILLING_FLAGS = {"fok": 1, "ioc": 2, "boc": 4}
_ALL_EXPIRATIONS = 1 | 2 | 4 | 8
_ORDER_FLAGS = 1 | 2 | 4 | 8 | 16 | 32
_CLOSE_BY_FLAG = 64
_CALC_MODES = {
    "forex": mt5.SYMBOL_CALC_MODE_FOREX,
    "cfd": mt5.SYMBOL_CALC_MODE_CFD,
    "cfd_leverage": mt5.SYMBOL_CALC_MODE_CFDLEVERAGE,
}
_TRADE_MODES = {
    "disabled": mt5.SYMBOL_TRADE_MODE_DISABLED,
    "long_only": mt5.SYMBOL_TRADE_MODE_LONGONLY,
    "short_only": mt5.SYMBOL_TRADE_MODE_SHORTONLY,
    "close_only": mt5.SYMBOL_TRADE_MODE_CLOSEONLY,
    "full": mt5.SYMBOL_TRADE_MODE_FULL,
}
_EXECUTIONS = {
    "instant": mt5.SYMBOL_TRADE_EXECUTION_INSTANT,
    "market": mt5.SYMBOL_TRADE_EXECUTION_MARKET,
    "exchange": mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE,
}
_SWAP_MODES = {
    "points": mt5.SYMBOL_SWAP_MODE_POINTS,
    "currency_base": mt5.SYMBOL_SWAP_MODE_CURRENCY_SYMBOL,
    "currency_margin": mt5.SYMBOL_SWAP_MODE_CURRENCY_MARGIN,
    "currency_deposit": mt5.SYMBOL_SWAP_MODE_CURRENCY_DEPOSIT,
    "interest_current": mt5.SYMBOL_SWAP_MODE_INTEREST_CURRENT,
    "interest_open": mt5.SYMBOL_SWAP_MODE_INTEREST_OPEN,
}


def symbol_struct(
    account: Account, symbol: SymbolConfig, quote: Quote | None, days: Records | None, *, selected: bool
) -> SymbolInfo:
    """`days` are the daily bars up to the forming one (the last two suffice; None where data is coarser)."""
    values: dict[str, object] = {
        name: {int: 0, float: 0.0, str: "", bool: False}[kind] for name, kind in SymbolInfo.__annotations__.items()
    }
    values |= _identity(symbol, selected=selected)
    values |= _terms(account, symbol)
    values |= _tick_values(account, symbol)
    if quote is not None:
        values |= _prices(symbol, quote)
    if quote is not None and days is not None and len(days):
        values |= _day(symbol, quote, days)
    return SymbolInfo(**values)  # type: ignore[arg-type]


def _identity(symbol: SymbolConfig, *, selected: bool) -> dict[str, object]:
    return {
        "select": selected,
        "visible": selected,
        "name": symbol.name,
        "description": symbol.description,
        "path": f"Paper\\{symbol.name}",
        "currency_base": symbol.currency_base,
        "currency_profit": symbol.currency_profit,
        "currency_margin": symbol.currency_margin,
        "chart_mode": mt5.SYMBOL_CHART_MODE_BID,
    }


def _terms(account: Account, symbol: SymbolConfig) -> dict[str, object]:
    has_swap = bool(symbol.swap_long or symbol.swap_short)
    return {
        "digits": symbol.digits,
        "point": float(symbol.point),
        "spread": symbol.spread_points,
        "spread_float": symbol.data.counter_path is not None or symbol.rollover_spread is not None,
        "trade_calc_mode": _CALC_MODES[symbol.calc_mode],
        "trade_mode": _TRADE_MODES[symbol.trade_mode],
        "trade_exemode": _EXECUTIONS[symbol.execution],
        "trade_stops_level": symbol.stops_level,
        "trade_freeze_level": symbol.freeze_level,
        "trade_tick_size": float(symbol.price(symbol.tick_points)),
        "trade_contract_size": float(symbol.contract_size),
        "volume_min": float(symbol.volume_min),
        "volume_max": float(symbol.volume_max),
        "volume_step": float(symbol.volume_step),
        "swap_mode": _SWAP_MODES[symbol.swap_mode] if has_swap else mt5.SYMBOL_SWAP_MODE_DISABLED,
        "swap_long": float(symbol.swap_long),
        "swap_short": float(symbol.swap_short),
        "swap_rollover3days": WEEKDAYS.index(symbol.swap_triple_day),
        "margin_hedged": float(symbol.hedged_ratio * symbol.contract_size),
        "filling_mode": sum(_FILLING_FLAGS[mode] for mode in symbol.filling_modes),
        "expiration_mode": _ALL_EXPIRATIONS,
        "order_mode": _ORDER_FLAGS | (_CLOSE_BY_FLAG if account.is_hedging else 0),
        "order_gtc_mode": mt5.SYMBOL_ORDERS_GTC,
    }


def _tick_values(account: Account, symbol: SymbolConfig) -> dict[str, object]:
    """Zero while no quote converts to the account's currency."""
    try:
        won = float(account.valuation.tick_value(symbol, 1))
        lost = float(account.valuation.tick_value(symbol, -1))
    except NoConversion:
        return {}
    return {"trade_tick_value": won, "trade_tick_value_profit": won, "trade_tick_value_loss": lost}


def _prices(symbol: SymbolConfig, quote: Quote) -> dict[str, object]:
    bid, ask = price_of(quote.bid, symbol.digits), price_of(quote.ask, symbol.digits)
    return {"time": quote.time_msc // 1_000, "bid": bid, "ask": ask, "spread": quote.ask - quote.bid}


def _day(symbol: SymbolConfig, quote: Quote, days: Records) -> dict[str, object]:
    today = days[-1]
    spread = price_of(quote.ask - quote.bid, symbol.digits)
    day: dict[str, object] = {
        "session_open": float(today["open"]),
        "bidhigh": float(today["high"]),
        "bidlow": float(today["low"]),
        "askhigh": round(float(today["high"]) + spread, symbol.digits),
        "asklow": round(float(today["low"]) + spread, symbol.digits),
    }
    if len(days) > 1:
        before = float(days[-2]["close"])
        day |= {"session_close": before, "price_change": round((float(today["close"]) / before - 1) * 100, 4)}
    return day
