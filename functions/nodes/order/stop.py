"""Lambda function of order.stop."""

from tradeloom.nodes.order.stop import StopOrder
from tradeloom.runtime.handler import node_handler

handler = node_handler(StopOrder)
