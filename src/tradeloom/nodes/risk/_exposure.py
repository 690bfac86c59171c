"""What an account holds of each currency, by its open positions."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from tradeloom.nodes.risk._money import finite
from tradeloom.trading.intents import Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker, Position


def currency_exposure(broker: "Broker", positions: "Iterable[Position]") -> dict[str, Decimal]:
    """Net holding of each currency in the account's currency: bought is positive, sold negative.

    A buy of EURUSD holds euros and owes dollars, both worth its notional. Where base and profit currency are one (an
    index, say) the instrument itself is what is held. The worth of a position is the broker's own figure: the profit of
    a buy of its volume whose price doubles, which is price x contract x volume converted.
    """
    held: dict[str, Decimal] = {}
    for position in positions:
        facts = broker.symbol(position.symbol)
        price = position.price_current
        doubled = broker.profit(position.symbol, Side.BUY, position.volume, price, 2 * price)
        worth = finite(doubled, f"worth of position {position.ticket}")
        signed = worth if position.side is Side.BUY else -worth
        base, owed = facts.currency_base, facts.currency_profit
        if base == owed:
            held[position.symbol] = held.get(position.symbol, Decimal(0)) + signed
        else:
            held[base] = held.get(base, Decimal(0)) + signed
            held[owed] = held.get(owed, Decimal(0)) - signed
    return held
