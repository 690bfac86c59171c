"""Lambda function of utility.delay."""

from tradeloom.nodes.utility.delay import Delay
from tradeloom.runtime.handler import node_handler

handler = node_handler(Delay)
