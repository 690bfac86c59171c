"""Lambda function of order.cancel."""

from tradeloom.nodes.order.cancel import Cancel
from tradeloom.runtime.handler import node_handler

handler = node_handler(Cancel)
