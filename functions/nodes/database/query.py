"""Lambda function of database.query."""

from tradeloom.nodes.database.query import Query
from tradeloom.runtime.handler import node_handler

handler = node_handler(Query)
