"""Usage and plan."""

from tradeloom.api.models.usage import Usage
from tradeloom.api.routing import PREFIX, Routes, answers

router = Routes()


@router.get(
    f"{PREFIX}/usage",
    summary="Tell what was run and what the plan allows",
    operation_id="getUsage",
    tags=["system"],
    **answers(Usage),
)
def usage() -> Usage:
    return router.ports.usage.usage(router.caller.tenant)
