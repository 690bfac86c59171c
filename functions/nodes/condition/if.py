"""Lambda function of condition.if."""

from tradeloom.nodes.condition.if_ import If
from tradeloom.runtime.handler import node_handler

handler = node_handler(If)
