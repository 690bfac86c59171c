"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Home = Annotated[
    Path | None, typer.Option(help="Data directory. \\[default: TRADELOOM_HOME or ~/.local/share/tradeloom]")
]
Why = Annotated[str, typer.Option("--reason", help="Why; kept with the account.", show_default=False)]
