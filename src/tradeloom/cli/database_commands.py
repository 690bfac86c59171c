"""The commands of `tradeloom database`; what they do is in `schema`."""

from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

app = typer.Typer(
    name="database",
    help="Show how far the database's schema is, bring it forward, or back for an older release.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("history")
@told
def show_history(home: Home = None, as_json: Json = False) -> None:
    """List the schema's migrations, and when the database got each."""
    from tradeloom.cli.schema import history

    history(home=home, as_json=as_json)


@app.command("upgrade")
@told
def upgrade_schema(home: Home = None, as_json: Json = False) -> None:
    """Bring the schema to this release's. Every start does it too."""
    from tradeloom.cli.schema import upgrade

    upgrade(home=home, as_json=as_json)


@app.command("downgrade")
@told
def downgrade_schema(
    to: Annotated[int, typer.Option("--to", min=0, help="The last migration that stays.", show_default=False)],
    discard: Annotated[
        bool, typer.Option("--discard", help="Your word that what only newer releases keep is lost.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Bring the schema back, for an older release. Make a backup first."""
    from tradeloom.cli.schema import downgrade

    downgrade(to, discard=discard, home=home, as_json=as_json)
