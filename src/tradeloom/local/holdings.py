"""What an account holds, asked of its terminal, and what it is worth as the risk gate counts it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from tradeloom.api.models.holdings import HeldPosition, Holdings, SymbolExposure, WaitingOrder
from tradeloom.errors import TradeloomError
from tradeloom.trading.broker import Account, PendingOrder, Position
from tradeloom.trading.exact import exact
from tradeloom.trading.exposure import Holding, SymbolLots, lots_by_symbol
from tradeloom.trading.intents import Side

_LOT = Decimal(1)


class HoldingsBroker(Protocol):
    def account(self) -> Account: ...
    def positions(self) -> list[Position]: ...
    def orders(self) -> list[PendingOrder]: ...
    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float: ...


def holdings_of(name: str, broker: HoldingsBroker) -> Holdings:
    """Blocking. Raises what the broker raises when it cannot list them."""
    account, positions, orders = broker.account(), broker.positions(), broker.orders()
    netting = account.margin_mode == "netting"
    prices = _prices(positions, orders)
    exposure = [
        _exposure(broker, symbol, lots, prices[symbol], netting=netting)
        for symbol, lots in sorted(lots_by_symbol(_held(positions, orders)).items())
    ]
    worths = [each.worth for each in exposure]
    return Holdings(
        account=name,
        currency=account.currency,
        positions=[HeldPosition.model_validate(each.model_dump()) for each in positions],
        orders=[WaitingOrder.model_validate(each.model_dump()) for each in orders],
        exposure=exposure,
        worth=None if None in worths else float(sum(exact(worth) for worth in worths if worth is not None)),
    )


def _held(positions: Sequence[Position], orders: Sequence[PendingOrder]) -> list[Holding]:
    return [
        *(Holding(each.symbol, each.side, each.volume, each.price_current, each.magic, True) for each in positions),
        *(Holding(each.symbol, each.side, each.remaining, each.price, each.magic, False) for each in orders),
    ]


def _prices(positions: Sequence[Position], orders: Sequence[PendingOrder]) -> dict[str, float]:
    """The dearest price of each symbol, as the gate values a lot at."""
    prices: dict[str, float] = {}
    for symbol, price in [
        *((each.symbol, each.price_current) for each in positions),
        *((each.symbol, max(each.price, each.price_current)) for each in orders),
    ]:
        prices[symbol] = max(price, prices.get(symbol, 0.0))
    return prices


def _exposure(broker: HoldingsBroker, symbol: str, lots: SymbolLots, price: float, *, netting: bool) -> SymbolExposure:
    gross = lots.gross(netting=netting)
    try:
        # One lot bought at the price and sold at twice the price earns what it is worth (docs/bridge.md, Worth).
        lot_value = exact(broker.profit(symbol, Side.BUY, _LOT, price, 2 * price))
    except TradeloomError:
        worth = None
    else:
        worth = float(gross * lot_value)
    return SymbolExposure(
        symbol=symbol, long=lots.long, short=lots.short, buying=lots.buying, selling=lots.selling, worth=worth
    )
