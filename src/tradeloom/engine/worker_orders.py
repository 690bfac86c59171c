"""A worker's order book: the engine writes it, before the bridge hears of an order and after."""

from tradeloom.engine.workers import channel
from tradeloom.trading.intents import OrderIntent, OrderOutcome


class AskedOrders:
    def intended(self, intent: OrderIntent) -> None:
        channel.current().ask("orders.intended", {"intent": intent.model_dump(mode="json")})

    def told(self, outcome: OrderOutcome) -> None:
        channel.current().ask("orders.told", {"outcome": outcome.model_dump(mode="json")})

    def perhaps_sent(self, order_id: str) -> bool:
        return bool(channel.current().ask("orders.perhaps_sent", {"client_order_id": order_id}))

    def withdrawn(self, order_id: str, why: str) -> None:
        channel.current().ask("orders.withdrawn", {"client_order_id": order_id, "message": why})
