"""Lambda function of market.trades."""

from tradeloom.nodes.market.trades import Trades
from tradeloom.runtime.handler import node_handler

handler = node_handler(Trades)
