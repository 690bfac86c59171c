"""Lambda function of order.close."""

from tradeloom.nodes.order.close import Close
from tradeloom.runtime.handler import node_handler

handler = node_handler(Close)
