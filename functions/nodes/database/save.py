"""Lambda function of database.save."""

from tradeloom.nodes.database.save import Save
from tradeloom.runtime.handler import node_handler

handler = node_handler(Save)
