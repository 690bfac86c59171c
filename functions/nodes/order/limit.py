"""Lambda function of order.limit."""

from tradeloom.nodes.order.limit import LimitOrder
from tradeloom.runtime.handler import node_handler

handler = node_handler(LimitOrder)
