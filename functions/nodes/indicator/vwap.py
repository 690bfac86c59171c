"""Lambda function of indicator.vwap."""

from tradeloom.nodes.indicator.vwap import Vwap
from tradeloom.runtime.handler import node_handler

handler = node_handler(Vwap)
