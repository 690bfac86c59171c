"""Lambda function of condition.cross."""

from tradeloom.nodes.condition.cross import Cross
from tradeloom.runtime.handler import node_handler

handler = node_handler(Cross)
