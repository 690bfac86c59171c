"""Lambda function of indicator.donchian."""

from tradeloom.nodes.indicator.donchian import Donchian
from tradeloom.runtime.handler import node_handler

handler = node_handler(Donchian)
