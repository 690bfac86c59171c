"""Lambda function of market.positions."""

from tradeloom.nodes.market.positions import Positions
from tradeloom.runtime.handler import node_handler

handler = node_handler(Positions)
