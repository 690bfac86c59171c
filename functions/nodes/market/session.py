"""Lambda function of market.session."""

from tradeloom.nodes.market.session import SessionNode
from tradeloom.runtime.handler import node_handler

handler = node_handler(SessionNode)
