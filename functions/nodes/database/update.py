"""Lambda function of database.update."""

from tradeloom.nodes.database.update import Update
from tradeloom.runtime.handler import node_handler

handler = node_handler(Update)
