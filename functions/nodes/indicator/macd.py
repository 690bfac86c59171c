"""Lambda function of indicator.macd."""

from tradeloom.nodes.indicator.macd import Macd
from tradeloom.runtime.handler import node_handler

handler = node_handler(Macd)
