"""Lambda function of notify.dashboard."""

from tradeloom.nodes.notify.dashboard import Dashboard
from tradeloom.runtime.handler import node_handler

handler = node_handler(Dashboard)
