"""Commands that run and keep a machine: each imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one. \\[default: 8420]")
]
Speed = Annotated[float, typer.Option(min=0, max=1e6, help="Market seconds per second; 0 stands still.")]


@told
def up(port: Port = None, home: Home = None, speed: Speed = 0.0, as_json: Json = False) -> None:
    """Serve everything on this machine until Ctrl-C."""
    from tradeloom.cli.up import serve

    serve(port=port, home=home, speed=speed, demo=False, as_json=as_json)


@told
def demo(
    port: Port = None,
    home: Home = None,
    once: Annotated[bool, typer.Option(help="Trade, then end.")] = False,
    as_json: Json = False,
) -> None:
    """Import the examples, trade one of them on real bars, then serve everything."""
    from tradeloom.cli.up import serve

    serve(port=port, home=home, speed=0.0, demo=True, once=once, as_json=as_json)


@told
def doctor(home: Home = None, as_json: Json = False) -> None:
    """Look whether everything Tradeloom needs on this machine works."""
    from tradeloom.cli.doctor import examine

    examine(home=home, as_json=as_json)


@told
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="Where to. \\[default: a new file beside the data directory]", show_default=False),
    ] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="With the credentials' key, certificates and token: keep it safe.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write everything into one file, while Tradeloom runs or not."""
    from tradeloom.cli.backup import back_up

    back_up(file, with_keys=with_keys, home=home, as_json=as_json)


@told
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Keep what is in the data directory aside, and take its place.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a data directory of a backup. Its accounts are halted until you resume them."""
    from tradeloom.cli.backup import bring_back

    bring_back(file, replace=replace, home=home, as_json=as_json)


@told
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Delete it, instead of telling what would be.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Tell what history is older than it is kept, or let go of it."""
    from tradeloom.cli.retention import retain

    retain(apply=apply, home=home, as_json=as_json)
