"""Lambda function of risk.daily_loss."""

from tradeloom.nodes.risk.daily_loss import DailyLoss
from tradeloom.runtime.handler import node_handler

handler = node_handler(DailyLoss)
