"""Lambda function of utility.formula."""

from tradeloom.nodes.utility.formula import FormulaNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(FormulaNode)
