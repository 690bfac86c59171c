"""The one mapping between a node type, its Lambda function's name and the module that serves it."""


def function_name(node_type: str) -> str:
    """`market.live_price` → `tradeloom-market-live-price`."""
    return "tradeloom-" + node_type.replace(".", "-").replace("_", "-")


def handler_module(function: str) -> str:
    """The module whose `handler` serves a function name or ARN: the inverse of `function_name`."""
    name = function
    if function.startswith("arn:"):
        name = function.split(":function:", 1)[1].split(":", 1)[0]
    category, _, node = name.removeprefix("tradeloom-").partition("-")
    return f"functions.nodes.{category}.{node.replace('-', '_')}"
