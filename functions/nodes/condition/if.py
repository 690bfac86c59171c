"""Lambda function of condition.if."""

import importlib

from tradeloom.runtime.handler import node_handler

# `if` is a word of Python, so its module is imported by name.
handler = node_handler(importlib.import_module("tradeloom.nodes.condition.if").If)
