"""Lambda function of order.partial_close."""

from tradeloom.nodes.order.partial_close import PartialClose
from tradeloom.runtime.handler import node_handler

handler = node_handler(PartialClose)
