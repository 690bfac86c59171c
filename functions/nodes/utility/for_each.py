"""Lambda function of utility.for_each."""

from tradeloom.nodes.utility.for_each import ForEach
from tradeloom.runtime.handler import node_handler

handler = node_handler(ForEach)
