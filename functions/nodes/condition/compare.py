"""Lambda function of condition.compare."""

from tradeloom.nodes.condition.compare import Compare
from tradeloom.runtime.handler import node_handler

handler = node_handler(Compare)
