"""Lambda function of the HTTP API: the same resolver the local server uses, with the cloud's adapters."""

from functools import cache
from typing import Any

from tradeloom.api.app import Api
from tradeloom.api.errors import NotConfigured
from tradeloom.api.ports import Ports


class _NotThere:
    """Stands where an adapter will: whoever uses it is told so, in the API's own words."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        raise NotConfigured(f"This deployment has no store for {self._what} yet.")


@cache
def _api() -> Api:
    adapters: Any = {name: _NotThere(name.replace("_", " ")) for name in Ports.__dataclass_fields__}
    return Api(Ports(**adapters))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One HTTP API v2 event in, one answer out."""
    return _api().resolve(event, context)
