"""Lambda function of indicator.stochastic."""

from tradeloom.nodes.indicator.stochastic import Stochastic
from tradeloom.runtime.handler import node_handler

handler = node_handler(Stochastic)
