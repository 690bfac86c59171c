"""Lambda function of condition.logic."""

from tradeloom.nodes.condition.logic import Logic
from tradeloom.runtime.handler import node_handler

handler = node_handler(Logic)
