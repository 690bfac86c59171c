"""Lambda function of trigger.webhook."""

from tradeloom.nodes.trigger.webhook import Webhook
from tradeloom.runtime.handler import node_handler

handler = node_handler(Webhook)
