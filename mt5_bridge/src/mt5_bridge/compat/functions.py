"""What a script may ask of the terminal, by name: the package's functions that read, and the options each knows.

The list is the whole of it: the worker calls no other. The function that trades is not on it; see `orders`.
"""

from collections.abc import Mapping

SEND = "order_send"
INITIALIZE, LOGIN, SHUTDOWN, LAST_ERROR = "initialize", "login", "shutdown", "last_error"

_NONE: frozenset[str] = frozenset()
_GROUP = frozenset({"group"})
_OPEN = frozenset({"symbol", "group", "ticket"})
_PAST = frozenset({"group", "ticket", "position"})

READS: Mapping[str, frozenset[str]] = {
    "version": _NONE,
    "terminal_info": _NONE,
    "account_info": _NONE,
    "symbols_total": _NONE,
    "symbols_get": _GROUP,
    "symbol_info": _NONE,
    "symbol_info_tick": _NONE,
    "symbol_select": _NONE,
    "market_book_add": _NONE,
    "market_book_get": _NONE,
    "market_book_release": _NONE,
    "copy_rates_from": _NONE,
    "copy_rates_from_pos": _NONE,
    "copy_rates_range": _NONE,
    "copy_ticks_from": _NONE,
    "copy_ticks_range": _NONE,
    "orders_total": _NONE,
    "orders_get": _OPEN,
    "order_calc_margin": _NONE,
    "order_calc_profit": _NONE,
    "order_check": _NONE,
    "positions_total": _NONE,
    "positions_get": _OPEN,
    "history_orders_total": _NONE,
    "history_orders_get": _PAST,
    "history_deals_total": _NONE,
    "history_deals_get": _PAST,
}
"""Function and the names of its options. `symbol_select` shows a symbol; hiding one is refused in `session`."""

FAILS_WITH_FALSE = frozenset({"symbol_select", "market_book_add", "market_book_release"})
"""A failed call answers False instead of None."""
