"""Lambda function of the HTTP API: the resolver the local server uses, with the adapters `TRADELOOM_PORTS` names.

`TRADELOOM_PORTS=module:function` names a function that returns the `Ports`; it is called once per process.
"""

import importlib
import os
from functools import cache
from typing import Any

from tradeloom.api.app import Api


@cache
def api() -> Api:
    module, _, function = os.environ["TRADELOOM_PORTS"].partition(":")
    return Api(getattr(importlib.import_module(module), function)())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one HTTP API v2 event; its claims were verified by the JWT authorizer in front."""
    return api().resolve(event, context)
