"""Commands on drawn workflows and their parts: each imports what it needs when it is called."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told

File = Annotated[Path, typer.Argument(help="A workflow document (JSON).", show_default=False)]
Data = Annotated[Path | None, typer.Option(help="Bars to replay (CSV: time,open,high,low,close,volume).")]
Symbol = Annotated[str, typer.Option(help="What the bars are of.")]
Timeframe = Annotated[str, typer.Option(help="How long a bar of the file is.")]


@told
def validate(file: File, as_json: Json = False) -> None:
    """Tell everything that is wrong with a workflow document."""
    from tradeloom.cli.documents import validate_file

    validate_file(file, as_json=as_json)


@told
def compile_(
    file: File,
    plan: Annotated[bool, typer.Option("--plan", help="Print the order of running instead of the machine.")] = False,
    as_json: Json = False,
) -> None:
    """Print the state machine (Amazon States Language) a workflow compiles to."""
    from tradeloom.cli.documents import compile_file

    compile_file(file, plan=plan, as_json=as_json)


@told
def run(
    file: File,
    data: Data = None,
    symbol: Symbol = "EURUSD",
    timeframe: Timeframe = "H1",
    at: Annotated[str | None, typer.Option(help="Where the market stands, such as 2017-06-01T12:00Z.")] = None,
    find: Annotated[bool, typer.Option("--find", help="Go to the first bar on which an order would be sent.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Trade on the test account.")] = False,
    trigger: Annotated[str | None, typer.Option(help="Id of the trigger node that fires.")] = None,
    payload: Annotated[str | None, typer.Option(help="JSON the trigger gives as its payload.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the run's data directory here.")] = None,
    as_json: Json = False,
) -> None:
    """Run a workflow once on its own market, and show what each node did. Needs nothing running."""
    from tradeloom.cli.run import RunOptions, run_file

    options = RunOptions(
        file=file, data=data, symbol=symbol, timeframe=timeframe, at=at, find=find, test=test, trigger=trigger,
        payload=payload, keep=keep, as_json=as_json,
    )  # fmt: skip
    run_file(options)


@told
def debug(
    what: Annotated[
        str,
        typer.Argument(
            help="A workflow document (JSON), or a workflow's id on the Tradeloom that runs.", show_default=False
        ),
    ],
    breakpoints: Annotated[
        list[str] | None, typer.Option("--break", help="Pause before this node; repeatable. \\[default: before each]")
    ] = None,
    run_to: Annotated[str | None, typer.Option(help="Run to this node first.")] = None,
    data: Data = None,
    symbol: Symbol = "EURUSD",
    timeframe: Timeframe = "H1",
    at: Annotated[str | None, typer.Option(help="Where a document's market stands: 2017-06-01T12:00Z.")] = None,
    trigger: Annotated[str | None, typer.Option(help="Id of the trigger node that fires.")] = None,
    payload: Annotated[str | None, typer.Option(help="JSON the trigger gives as its payload.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep a document's data directory here.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Go through a workflow step by step, in test mode; commands come from the prompt or from standard input."""
    from tradeloom.cli.debug import DebugOptions
    from tradeloom.cli.debug import debug as go_through
    from tradeloom.cli.run import RunOptions

    options = RunOptions(
        file=Path(what), data=data, symbol=symbol, timeframe=timeframe, at=at, find=False, test=True,
        trigger=trigger, payload=payload, keep=keep, as_json=as_json,
    )  # fmt: skip
    go_through(DebugOptions(what, options, tuple(breakpoints or ()), run_to, home))


@told
def next_(
    what: Annotated[
        str, typer.Argument(help="A workflow (id or name), its file, or an expression in quotes.", show_default=False)
    ],
    zone: Annotated[str | None, typer.Option(help="Time zone of an expression. \\[default: UTC]")] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 10,
    after: Annotated[str | None, typer.Option(help="Later than this: 2026-03-28T12:00Z. \\[default: now]")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show when schedules fire next, and what daylight saving does to them."""
    from tradeloom.cli.next_fires import show

    show(what, zone=zone, count=count, after=after, home=home, as_json=as_json)


@told
def nodes(
    type: Annotated[str | None, typer.Argument(help="A node type, such as indicator.rsi.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """List the node types, or describe one."""
    from tradeloom.cli.palette import show_nodes

    show_nodes(type, as_json=as_json)


class Act(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


@told
def replay_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Workflow documents to run on a market of their own. \\[default: the running Tradeloom.]",
            show_default=False,
        ),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Where the files' own market begins.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The market time it ends at.")] = None,
    speed: Annotated[str, typer.Option(help="Market seconds per second, or max.")] = "max",
    data: Data = None,
    symbol: Symbol = "EURUSD",
    timeframe: Timeframe = "H1",
    account: Annotated[str, typer.Option(help="Whose market, on the running Tradeloom.")] = "paper",
    act: Annotated[
        Act | None, typer.Option("--act", help="What to do with the replay that the running Tradeloom is in.")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the files' data directory here.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run workflows through a stretch of the market: schedules, triggers and delays by its clock. The same orders at
    any speed. Ctrl-C pauses a running Tradeloom's."""
    from tradeloom.cli.market_replay import ReplayOptions, replay

    replay(
        ReplayOptions(
            files=tuple(files or ()), data=data, symbol=symbol, timeframe=timeframe, since=since, until=until,
            speed=speed, account=account, keep=keep, home=home, act=None if act is None else act.value, as_json=as_json,
        )
    )  # fmt: skip
