"""Lambda function of order.modify."""

from tradeloom.nodes.order.modify import Modify
from tradeloom.runtime.handler import node_handler

handler = node_handler(Modify)
