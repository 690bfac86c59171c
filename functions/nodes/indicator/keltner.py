"""Lambda function of indicator.keltner."""

from tradeloom.nodes.indicator.keltner import Keltner
from tradeloom.runtime.handler import node_handler

handler = node_handler(Keltner)
