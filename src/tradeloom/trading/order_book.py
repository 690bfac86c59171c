"""The port through which a caller of the bridge keeps account of its orders."""

from typing import Protocol

from tradeloom.trading.intents import OrderIntent, OrderOutcome


class OrderBook(Protocol):
    """Where an order is written down before the bridge hears of it, and what became of it after."""

    def intended(self, intent: OrderIntent) -> None:
        """Returns once it is durable. What it raises keeps the order from being sent."""
        ...

    def told(self, outcome: OrderOutcome) -> None: ...

    def withdrawn(self, order_id: str, why: str) -> None:
        """Nothing was sent under the id, for certain."""
        ...

    def perhaps_sent(self, order_id: str) -> bool:
        """Whether the order was handed over, and nobody knows yet what became of it."""
        ...
