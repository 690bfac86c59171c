"""Lambda function of trigger.price."""

from tradeloom.nodes.trigger.price import PriceTrigger
from tradeloom.runtime.handler import node_handler

handler = node_handler(PriceTrigger)
