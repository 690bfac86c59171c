"""Accounts: how they stand, their limits, the kill switch, and a person's word that lifts it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from tradeloom.api.models.accounts import AccountDetail, AccountPage, Kill, Killed, Resume, WorkflowKilled
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.api.routing import PREFIX, Id, Routes, answers

router = Routes()
_TAGS = ["accounts"]


@router.get(
    f"{PREFIX}/accounts",
    summary="List the accounts and whether they may trade",
    operation_id="listAccounts",
    tags=_TAGS,
    **answers(AccountPage),
)
def listing() -> AccountPage:
    return router.ports.accounts.page(router.caller.tenant)


@router.post(
    f"{PREFIX}/accounts/kill",
    summary="Stop all accounts",
    description="As for one account, on each at once. When one cannot be reached the others are stopped all the same "
    "and the answer says which is not: it is tried again until the bridge answers.",
    operation_id="killAccounts",
    tags=_TAGS,
    **answers(Killed, 409, 502, 504, body=True),
)
def kill_all(wanted: Annotated[Kill, Body()]) -> Killed:
    who = router.caller
    return router.ports.accounts.kill(who.tenant, who.user, None, wanted)


@router.get(
    f"{PREFIX}/accounts/<id>",
    summary="Read how an account stands",
    operation_id="getAccount",
    tags=_TAGS,
    **answers(AccountDetail, 404),
)
def read(id: Id) -> AccountDetail:
    return router.ports.accounts.get(router.caller.tenant, id)


@router.get(
    f"{PREFIX}/accounts/<id>/holdings",
    summary="List what is open and what waits on an account",
    description="Positions and pending orders, whoever made them, and what they are worth as the risk gate counts it.",
    operation_id="getHoldings",
    tags=_TAGS,
    **answers(Holdings, 404, 502, 504),
)
def holdings(id: Id) -> Holdings:
    return router.ports.accounts.holdings(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/accounts/<id>/kill",
    summary="Stop an account",
    description="The risk gate is closed first; then what trades on the account is stopped: queued, waiting and "
    "running executions. It stays so across restarts until a person resumes it. Tightening always works; a mode that "
    "is looser than what is in force is refused.",
    operation_id="killAccount",
    tags=_TAGS,
    **answers(Killed, 404, 409, 502, 504, body=True),
)
def kill(id: Id, wanted: Annotated[Kill, Body()]) -> Killed:
    who = router.caller
    return router.ports.accounts.kill(who.tenant, who.user, id, wanted)


@router.post(
    f"{PREFIX}/accounts/<id>/resume",
    summary="Let an account trade again",
    description="A person's word, kept with who gave it, when and why. It ends a flatten that still runs; what was "
    "stopped stays stopped. With a workflow it is that one's throttle that is lifted, and nothing else.",
    operation_id="resumeAccount",
    tags=_TAGS,
    **answers(AccountDetail, 404, 502, 504, body=True),
)
def resume(id: Id, wanted: Annotated[Resume, Body()]) -> AccountDetail:
    who = router.caller
    return router.ports.accounts.resume(who.tenant, who.user, id, wanted)


@router.get(
    f"{PREFIX}/accounts/<id>/limits",
    summary="Read an account's limits",
    operation_id="getLimits",
    tags=_TAGS,
    **answers(AccountLimits, 404, 502, 504),
)
def limits(id: Id) -> AccountLimits:
    return router.ports.accounts.limits(router.caller.tenant, id)


@router.put(
    f"{PREFIX}/accounts/<id>/limits",
    summary="Change an account's limits",
    description="All or some of them; what is not named stays. They hold from the next order on, across restarts, "
    "until the bridge's configuration gives others. What allows more than before takes `clear`, a person's word.",
    operation_id="changeLimits",
    tags=_TAGS,
    **answers(AccountLimits, 404, 409, 502, 504, body=True),
)
def change_limits(id: Id, wanted: Annotated[ChangeLimits, Body()]) -> AccountLimits:
    who = router.caller
    return router.ports.accounts.change_limits(who.tenant, who.user, id, wanted)


@router.post(
    f"{PREFIX}/workflows/<id>/kill",
    summary="Stop a workflow",
    description="No trigger starts it any more, and its executions are stopped. Positions stay as they are.",
    operation_id="killWorkflow",
    tags=["workflows"],
    **answers(WorkflowKilled, 404),
)
def kill_workflow(id: Id) -> WorkflowKilled:
    who = router.caller
    return router.ports.accounts.kill_workflow(who.tenant, who.user, id)
