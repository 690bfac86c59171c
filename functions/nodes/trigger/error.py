"""Lambda function of trigger.error."""

from tradeloom.nodes.trigger.error import Error
from tradeloom.runtime.handler import node_handler

handler = node_handler(Error)
