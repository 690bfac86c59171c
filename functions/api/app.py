"""Lambda function of the HTTP API: the resolver the local server uses, with the adapters `TRADELOOM_PORTS` names.

`TRADELOOM_PORTS=module:function` names a function that returns the `Ports`; it is called once per process. What a
deployment has no adapter for is answered in the API's own words.
"""

import importlib
import os
from functools import cache
from typing import Any

from tradeloom.api.app import Api
from tradeloom.api.errors import NotConfigured
from tradeloom.api.ports import Ports

VARIABLE = "TRADELOOM_PORTS"


class _NotThere:
    """Stands where an adapter will."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        raise NotConfigured(f"This deployment has no store for {self._what} yet.")


def _ports() -> Ports:
    module, _, function = os.environ.get(VARIABLE, "").partition(":")
    try:
        made: Ports = getattr(importlib.import_module(module), function)()
    except (ImportError, ValueError):
        adapters: Any = {name: _NotThere(name.replace("_", " ")) for name in Ports.__dataclass_fields__}
        return Ports(**adapters)
    return made


@cache
def _api() -> Api:
    return Api(_ports())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One HTTP API v2 event in, one answer out; its claims were verified by the JWT authorizer in front."""
    return _api().resolve(event, context)
