"""Lambda function of order.market."""

from tradeloom.nodes.order.market import MarketOrder
from tradeloom.runtime.handler import node_handler

handler = node_handler(MarketOrder)
