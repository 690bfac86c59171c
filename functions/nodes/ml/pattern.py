"""Lambda function of ml.pattern."""

from tradeloom.nodes.ml.pattern import PatternNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(PatternNode)
