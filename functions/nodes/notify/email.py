"""Lambda function of notify.email."""

from tradeloom.nodes.notify.email import Email
from tradeloom.runtime.handler import node_handler

handler = node_handler(Email)
