"""Health: the parts of the system, the accounts and their clocks."""

from tradeloom.api.models.health import Health
from tradeloom.api.routing import PREFIX, Routes, answers

router = Routes()


@router.get(
    f"{PREFIX}/health", summary="How the system stands", operation_id="getHealth", tags=["system"], **answers(Health)
)
def health() -> Health:
    return router.ports.status.health(router.caller.tenant)
