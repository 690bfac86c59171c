"""Lambda function of trigger.candle_close."""

from tradeloom.nodes.trigger.candle_close import CandleClose
from tradeloom.runtime.handler import node_handler

handler = node_handler(CandleClose)
