"""Lambda function of ml.sentiment."""

from tradeloom.nodes.ml.sentiment import Sentiment
from tradeloom.runtime.handler import node_handler

handler = node_handler(Sentiment)
