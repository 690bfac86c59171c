"""Lambda function of indicator.adx."""

from tradeloom.nodes.indicator.adx import Adx
from tradeloom.runtime.handler import node_handler

handler = node_handler(Adx)
