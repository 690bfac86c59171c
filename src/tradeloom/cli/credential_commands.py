"""The commands of `tradeloom credentials`; what they do is in `credentials`."""

from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

app = typer.Typer(
    name="credentials",
    help="Keep secrets for nodes. Values are written and never shown.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="A field; secret ones as field=env:VARIABLE or field=file:PATH. Repeatable.",
    ),
]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read fields as a JSON object from standard input.")]
Which = Annotated[str, typer.Argument(help="Id or name.", show_default=False)]


@app.command("kinds")
@told
def credential_kinds(as_json: Json = False) -> None:
    """List the kinds of credentials and their fields."""
    from tradeloom.cli.credentials import show_kinds

    show_kinds(as_json=as_json)


@app.command("add")
@told
def add_credential(
    name: Annotated[str, typer.Argument(help="What you call it.", show_default=False)],
    kind: Annotated[str, typer.Option(help="Such as smtp, http_bearer, telegram.", show_default=False)],
    fields: Sets = None,
    stdin: Stdin = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Add a credential; what is missing is asked for."""
    from tradeloom.cli.credentials import add

    add(name, kind, fields or [], stdin=stdin, home=home, as_json=as_json)


@app.command("list")
@told
def list_credentials(home: Home = None, as_json: Json = False) -> None:
    """List the credentials, without values."""
    from tradeloom.cli.credentials import listing

    listing(home=home, as_json=as_json)


@app.command("change")
@told
def change_credential(
    which: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    fields: Sets = None,
    stdin: Stdin = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Change some of a credential's fields; with none given, ask for its secrets."""
    from tradeloom.cli.credentials import change

    change(which, name, fields or [], stdin=stdin, home=home, as_json=as_json)


@app.command("remove")
@told
def remove_credential(
    which: Which,
    even_if_used: Annotated[bool, typer.Option("--even-if-used", help="Although workflows name it.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Remove a credential."""
    from tradeloom.cli.credentials import remove

    remove(which, even_if_used=even_if_used, home=home, as_json=as_json)


@app.command("rotate")
@told
def rotate_credentials(home: Home = None, as_json: Json = False) -> None:
    """Make a new key and seal every credential anew."""
    from tradeloom.cli.credentials import rotate

    rotate(home=home, as_json=as_json)
