"""Lambda function of trigger.indicator."""

from tradeloom.nodes.trigger.indicator import IndicatorTrigger
from tradeloom.runtime.handler import node_handler

handler = node_handler(IndicatorTrigger)
