"""Lambda function of trigger.schedule."""

from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.runtime.handler import node_handler

handler = node_handler(ScheduleTrigger)
