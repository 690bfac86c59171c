"""The `tradeloom` command: its commands in the order of `--help`. Each imports what it needs when it is called, so that
`tradeloom nodes` does not wait for PostgreSQL."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated, Final

import typer

from tradeloom.cli import (
    account_commands,
    credential_commands,
    database_commands,
    drawing_commands,
    history_commands,
    limit_commands,
    machine_commands,
    models,
    order_commands,
)

app = typer.Typer(
    name="tradeloom",
    help="Draw a trading strategy as a graph, run it, trade it in MetaTrader 5.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done · 1 the execution failed · 2 wrong usage · 3 unusable document or input · "
    "4 something around Tradeloom does not work · 5 a fault of Tradeloom · 130 interrupted",
)

for group in (models, order_commands, limit_commands, credential_commands, database_commands):
    app.add_typer(group.app)

_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "up": machine_commands.up,
    "demo": machine_commands.demo,
    "validate": drawing_commands.validate,
    "compile": drawing_commands.compile_,
    "run": drawing_commands.run,
    "debug": drawing_commands.debug,
    "retry": history_commands.retry,
    "rerun": history_commands.rerun,
    "next": drawing_commands.next_,
    "nodes": drawing_commands.nodes,
    "doctor": machine_commands.doctor,
    "backup": machine_commands.backup,
    "restore": machine_commands.restore,
    "executions": history_commands.executions,
    "logs": history_commands.logs_,
    "retention": machine_commands.retention,
    "trades": history_commands.trades,
    "accounts": account_commands.accounts,
    "kill": account_commands.kill,
    "resume": account_commands.resume,
    "replay": drawing_commands.replay_,
}
for name, command in _COMMANDS.items():
    app.command(name)(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("tradeloom"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The `tradeloom` command."""
    if os.environ.get("TERM") == "dumb":
        os.environ.setdefault("NO_COLOR", "1")
    logging.getLogger().addHandler(logging.NullHandler())  # the log is a file; what people need is printed
    sys.exit(app())
