"""The commands of `tradeloom orders`; what they do is in `orders`."""

from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

app = typer.Typer(
    name="orders",
    help="Show orders whose outcome is not known, and say what became of one that waits for a person.",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
@told
def list_orders(
    context: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option(help="Only in this state; repeatable. \\[default: those that are open]")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="In every state.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most how many.")] = 50,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List orders, newest first."""
    if context.invoked_subcommand is None:
        from tradeloom.cli.orders import listing

        listing(state or [], everything=everything, limit=limit, home=home, as_json=as_json)


@app.command("settle")
@told
def settle_order(
    order: Annotated[str, typer.Argument(help="The order's id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="How you know; kept in the bridge's journal.", show_default=False)],
    not_sent: Annotated[bool, typer.Option("--not-sent", help="The broker never had it.")] = False,
    order_ticket: Annotated[
        int | None, typer.Option("--order", min=1, max=2**63 - 1, metavar="TICKET", help="It is this order.")
    ] = None,
    deal: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, metavar="TICKET", help="It made this deal.")] = None,
    position: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, metavar="TICKET", help="It made, or closed, this position.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Say what became of an order that the bridge cannot find; the bridge checks it at the broker."""
    from tradeloom.cli.orders import settle

    tickets = {"order": order_ticket, "deal": deal, "position": position}
    settle(order, not_sent=not_sent, tickets=tickets, reason=reason, home=home, as_json=as_json)
