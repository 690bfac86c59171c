"""Lambda function of indicator.pivots."""

from tradeloom.nodes.indicator.pivots import Pivots
from tradeloom.runtime.handler import node_handler

handler = node_handler(Pivots)
