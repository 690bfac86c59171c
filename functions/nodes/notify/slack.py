"""Lambda function of notify.slack."""

from tradeloom.nodes.notify.slack import Slack
from tradeloom.runtime.handler import node_handler

handler = node_handler(Slack)
