"""Lambda function of indicator.ma."""

from tradeloom.nodes.indicator.ma import MovingAverage
from tradeloom.runtime.handler import node_handler

handler = node_handler(MovingAverage)
