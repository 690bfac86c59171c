"""Lambda function of indicator.ichimoku."""

from tradeloom.nodes.indicator.ichimoku import Ichimoku
from tradeloom.runtime.handler import node_handler

handler = node_handler(Ichimoku)
