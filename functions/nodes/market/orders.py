"""Lambda function of market.orders."""

from tradeloom.nodes.market.orders import Orders
from tradeloom.runtime.handler import node_handler

handler = node_handler(Orders)
