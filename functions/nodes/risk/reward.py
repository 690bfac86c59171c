"""Lambda function of risk.reward."""

from tradeloom.nodes.risk.reward import Reward
from tradeloom.runtime.handler import node_handler

handler = node_handler(Reward)
