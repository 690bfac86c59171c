"""Lambda function of utility.transform."""

from tradeloom.nodes.utility.transform import Transform
from tradeloom.runtime.handler import node_handler

handler = node_handler(Transform)
