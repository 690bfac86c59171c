"""Lambda function of notify.webhook."""

from tradeloom.nodes.notify.webhook import Webhook
from tradeloom.runtime.handler import node_handler

handler = node_handler(Webhook)
