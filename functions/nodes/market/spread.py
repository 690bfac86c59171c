"""Lambda function of market.spread."""

from tradeloom.nodes.market.spread import SpreadNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(SpreadNode)
