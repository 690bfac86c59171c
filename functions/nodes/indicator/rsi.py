"""Lambda function of indicator.rsi."""

from tradeloom.nodes.indicator.rsi import Rsi
from tradeloom.runtime.handler import node_handler

handler = node_handler(Rsi)
