"""Lambda function of utility.loop."""

from tradeloom.nodes.utility.loop import Loop
from tradeloom.runtime.handler import node_handler

handler = node_handler(Loop)
