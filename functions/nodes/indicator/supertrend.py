"""Lambda function of indicator.supertrend."""

from tradeloom.nodes.indicator.supertrend import Supertrend
from tradeloom.runtime.handler import node_handler

handler = node_handler(Supertrend)
