"""Commands on accounts, the kill switch among them: each imports what it needs when it is called."""

from enum import StrEnum
from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json, Why
from tradeloom.cli.output import told


class Mode(StrEnum):
    PAUSE = "pause"
    REDUCE = "reduce"
    FLATTEN = "flatten"


@told
def accounts(home: Home = None, as_json: Json = False) -> None:
    """Show the accounts, and whether each may trade."""
    from tradeloom.cli.accounts import show

    show(home=home, as_json=as_json)


@told
def kill(
    reason: Why,
    account: Annotated[str | None, typer.Argument(help="Name of the account.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="All accounts.")] = False,
    workflow: Annotated[str | None, typer.Option(help="One workflow: its id.", show_default=False)] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="pause: nothing opens, what trades is stopped. reduce: workflows may go on where they only reduce. "
            "flatten: a pause, then EVERY position is closed and every order cancelled, those made by hand too."
        ),
    ] = Mode.PAUSE,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for a flatten.")] = 30,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The kill switch: stop an account, all of them, or a workflow. Only `resume` lifts it."""
    from tradeloom.cli.accounts import kill as stop_it

    stop_it(
        account, everything=everything, workflow=workflow, mode=mode.value, reason=reason, wait_s=wait, home=home,
        as_json=as_json,
    )  # fmt: skip


@told
def resume(
    account: Annotated[str, typer.Argument(help="Name of the account.", show_default=False)],
    reason: Why,
    workflow: Annotated[
        str | None, typer.Option(help="Only lift this workflow's throttle.", show_default=False)
    ] = None,
    acknowledge: Annotated[
        str | None,
        typer.Option(help="Real money trades only with this: 'trade live money on ACCOUNT'.", show_default=False),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let an account trade again, or a workflow that its risk gate throttled, on your word."""
    from tradeloom.cli.accounts import resume as let_it

    let_it(account, workflow=workflow, reason=reason, acknowledge=acknowledge, home=home, as_json=as_json)
