"""Puts the resolver together, and writes the OpenAPI document of what it serves."""

import json
from functools import cached_property
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, License

from tradeloom.api import (
    accounts,
    credentials,
    debugging,
    drafts,
    executions,
    health,
    market_replays,
    nodes,
    notifications,
    orders,
    previews,
    reruns,
    schedules,
    tables,
    templates,
    trades,
    trained_models,
    usage,
    versions,
    workflows,
)
from tradeloom.api.addresses import OPENAPI_PATH
from tradeloom.api.openapi import tidied
from tradeloom.api.ports import Ports
from tradeloom.api.resolver import Resolver
from tradeloom.version import package_version

_DESCRIPTION = (
    "Draw a strategy as a graph of nodes, run it on schedules and by hand, read what became of it.\n\n"
    "Every answer that is not a success has one shape: `{error: {name, message, field?, node?, hint?, problems?}}`."
)


class Api:
    """The API of one installation. `resolve(event, context)` answers an HTTP API v2 event."""

    def __init__(self, ports: Ports) -> None:
        self.resolver = Resolver(ports, public_paths=frozenset({OPENAPI_PATH}))
        for resource in (
            accounts, drafts, workflows, versions, templates, schedules, executions, reruns, debugging, nodes, previews,
            credentials, notifications, orders, trades, market_replays, tables, trained_models, usage,
            health,
        ):  # fmt: skip
            self.resolver.include_router(resource.router)
        self.resolver.get(OPENAPI_PATH, include_in_schema=False, enable_validation=False)(self._openapi)

    def resolve(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self.resolver.resolve(event, context)

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        text = self.resolver.get_openapi_json_schema(
            title="Tradeloom",
            version=package_version(),
            openapi_version="3.1.0",
            description=_DESCRIPTION,
            license_info=License(name="Apache-2.0", identifier="Apache-2.0"),
            security_schemes={"bearer": HTTPBearer(description="The token `tradeloom up` prints.")},
            security=[{"bearer": []}],
        )
        return tidied(json.loads(text))

    def _openapi(self) -> Response[Any]:
        return Response(status_code=200, content_type="application/json", body=self.openapi)
