"""Lambda function of market.account."""

from tradeloom.nodes.market.account import AccountNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(AccountNode)
