"""Lambda function of indicator.bollinger."""

from tradeloom.nodes.indicator.bollinger import Bollinger
from tradeloom.runtime.handler import node_handler

handler = node_handler(Bollinger)
