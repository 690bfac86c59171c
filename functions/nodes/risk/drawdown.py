"""Lambda function of risk.drawdown."""

from tradeloom.nodes.risk.drawdown import Drawdown
from tradeloom.runtime.handler import node_handler

handler = node_handler(Drawdown)
