"""Lambda function of utility.variables."""

from tradeloom.nodes.utility.variables import VariablesNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(VariablesNode)
