"""Lambda function of trigger.manual."""

from tradeloom.nodes.trigger.manual import Manual
from tradeloom.runtime.handler import node_handler

handler = node_handler(Manual)
