"""Lambda function of utility.http."""

from tradeloom.nodes.utility.http import HttpRequestNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(HttpRequestNode)
