"""Lambda function of notify.discord."""

from tradeloom.nodes.notify.discord import Discord
from tradeloom.runtime.handler import node_handler

handler = node_handler(Discord)
