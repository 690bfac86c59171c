"""Lambda function of utility.merge."""

from tradeloom.nodes.utility.merge import Merge
from tradeloom.runtime.handler import node_handler

handler = node_handler(Merge)
