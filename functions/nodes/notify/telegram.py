"""Lambda function of notify.telegram."""

from tradeloom.nodes.notify.telegram import Telegram
from tradeloom.runtime.handler import node_handler

handler = node_handler(Telegram)
