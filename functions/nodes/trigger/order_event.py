"""Lambda function of trigger.order_event."""

from tradeloom.nodes.trigger.order_event import OrderEvent
from tradeloom.runtime.handler import node_handler

handler = node_handler(OrderEvent)
