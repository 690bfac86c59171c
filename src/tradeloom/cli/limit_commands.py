"""The commands of `tradeloom limits`; what they do is in `limits`."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tradeloom.cli.options import Home, Json, Why
from tradeloom.cli.output import told


class _ShowsByDefault(TyperGroup):
    """Without the name of a command it shows: `limits paper` is `limits show paper`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="limits",
    cls=_ShowsByDefault,
    help="Show what accounts may risk, or change it. `tradeloom limits ACCOUNT` shows one.",
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("show")
@told
def show_limits(
    account: Annotated[
        str | None, typer.Argument(help="Name of the account. \\[default: all of them]", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the limits of an account and its workflows, and how near its losses are to them."""
    from tradeloom.cli.limits import show

    show(account, home=home, as_json=as_json)


@app.command("set")
@told
def set_limits(
    account: Annotated[str, typer.Argument(help="Name of the account.", show_default=False)],
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="LIMIT=VALUE",
            help="Such as max_lot=0.5, symbols=EURUSD,GBPUSD, workflow.max_lot=0.2 (each workflow), "
            "workflows.ID.max_lot=0.1 (one), workflows.ID=none (as each again).",
            show_default=False,
        ),
    ],
    reason: Why,
    clear: Annotated[bool, typer.Option("--clear", help="Your word that they may allow more than before.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Change limits of an account, from its next order on. What you do not name stays."""
    from tradeloom.cli.limits import change

    change(account, changes, reason=reason, clear=clear, home=home, as_json=as_json)
