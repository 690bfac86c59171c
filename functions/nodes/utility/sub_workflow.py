"""Lambda function of utility.sub_workflow."""

from tradeloom.nodes.utility.sub_workflow import SubWorkflow
from tradeloom.runtime.handler import node_handler

handler = node_handler(SubWorkflow)
