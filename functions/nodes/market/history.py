"""Lambda function of market.history."""

from tradeloom.nodes.market.history import History
from tradeloom.runtime.handler import node_handler

handler = node_handler(History)
