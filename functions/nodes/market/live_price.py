"""Lambda function of market.live_price."""

from tradeloom.nodes.market.live_price import LivePrice
from tradeloom.runtime.handler import node_handler

handler = node_handler(LivePrice)
