"""Lambda function of order.trailing_stop."""

from tradeloom.nodes.order.trailing_stop import TrailingStop
from tradeloom.runtime.handler import node_handler

handler = node_handler(TrailingStop)
