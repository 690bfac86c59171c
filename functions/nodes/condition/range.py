"""Lambda function of condition.range."""

from tradeloom.nodes.condition.range import Range
from tradeloom.runtime.handler import node_handler

handler = node_handler(Range)
