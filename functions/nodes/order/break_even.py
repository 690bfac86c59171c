"""Lambda function of order.break_even."""

from tradeloom.nodes.order.break_even import BreakEven
from tradeloom.runtime.handler import node_handler

handler = node_handler(BreakEven)
