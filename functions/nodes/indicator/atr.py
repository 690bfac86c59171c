"""Lambda function of indicator.atr."""

from tradeloom.nodes.indicator.atr import Atr
from tradeloom.runtime.handler import node_handler

handler = node_handler(Atr)
