"""Lambda function of indicator.talib."""

from tradeloom.nodes.indicator.talib import Talib
from tradeloom.runtime.handler import node_handler

handler = node_handler(Talib)
