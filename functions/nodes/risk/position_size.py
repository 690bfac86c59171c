"""Lambda function of risk.position_size."""

from tradeloom.nodes.risk.position_size import PositionSize
from tradeloom.runtime.handler import node_handler

handler = node_handler(PositionSize)
