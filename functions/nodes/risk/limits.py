"""Lambda function of risk.limits."""

from tradeloom.nodes.risk.limits import Limits
from tradeloom.runtime.handler import node_handler

handler = node_handler(Limits)
