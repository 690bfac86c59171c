"""Lambda function of market.symbol."""

from tradeloom.nodes.market.symbol import SymbolNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(SymbolNode)
