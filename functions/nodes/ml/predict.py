"""Lambda function of ml.predict."""

from tradeloom.nodes.ml.predict import Predict
from tradeloom.runtime.handler import node_handler

handler = node_handler(Predict)
