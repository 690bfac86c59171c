"""Lambda function of indicator.multi_timeframe."""

from tradeloom.nodes.indicator.multi_timeframe import MultiTimeframe
from tradeloom.runtime.handler import node_handler

handler = node_handler(MultiTimeframe)
