"""The commands. Each imports what it needs when it runs, so that `tradeloom nodes` does not wait for PostgreSQL."""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tradeloom.cli import credential_commands, database_commands, limit_commands, models, order_commands
from tradeloom.cli.options import Home, Json, Why
from tradeloom.cli.output import told

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

File = Annotated[Path, typer.Argument(help="A workflow document (JSON).", show_default=False)]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one. \\[default: 8420]")
]
Speed = Annotated[float, typer.Option(min=0, max=1e6, help="Market seconds per second; 0 stands still.")]
Data = Annotated[Path | None, typer.Option(help="Bars to replay (CSV: time,open,high,low,close,volume).")]
Symbol = Annotated[str, typer.Option(help="What the bars are of.")]
Timeframe = Annotated[str, typer.Option(help="How long a bar of the file is.")]


@app.command()
@told
def up(port: Port = None, home: Home = None, speed: Speed = 0.0, as_json: Json = False) -> None:
    """Serve everything on this machine until Ctrl-C."""
    from tradeloom.cli.up import serve

    serve(port=port, home=home, speed=speed, demo=False, as_json=as_json)


@app.command()
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


@app.command()
@told
def validate(file: File, as_json: Json = False) -> None:
    """Tell everything that is wrong with a workflow document."""
    from tradeloom.cli.documents import validate_file

    validate_file(file, as_json=as_json)


@app.command("compile")
@told
def compile_(
    file: File,
    plan: Annotated[bool, typer.Option("--plan", help="Print the order of running instead of the machine.")] = False,
    as_json: Json = False,
) -> None:
    """Print the state machine (Amazon States Language) a workflow compiles to."""
    from tradeloom.cli.documents import compile_file

    compile_file(file, plan=plan, as_json=as_json)


@app.command()
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


@app.command()
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


@app.command()
@told
def retry(
    execution: Annotated[str, typer.Argument(help="Id of an execution that failed.", show_default=False)],
    even_if_old: Annotated[bool, typer.Option(help="Also when it trades on what is older than 15 minutes.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a failed execution go on from its failure; nothing that was done is done again."""
    from tradeloom.cli.reruns import retry as go_on

    go_on(execution, even_if_old=even_if_old, home=home, as_json=as_json)


class Version(StrEnum):
    OLD = "old"
    CURRENT = "current"


@app.command()
@told
def rerun(
    execution: Annotated[str, typer.Argument(help="Id of an execution.", show_default=False)],
    from_node: Annotated[
        str | None, typer.Option("--from", help="Run from this node on; what it does not concern is taken as recorded.")
    ] = None,
    version: Annotated[Version, typer.Option(help="The version it ran, or the last one saved.")] = Version.OLD,
    arm: Annotated[bool, typer.Option("--arm", help="Trade for real again, instead of in test mode.")] = False,
    even_if_old: Annotated[bool, typer.Option(help="With --arm: also on what is older than 15 minutes.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run an old execution again as a new one, in test mode, with its payload and its time."""
    from tradeloom.cli.reruns import rerun as run_again

    wanted = {
        "from_node": from_node, "version": version.value, "test_mode": not arm, "arm": arm, "even_if_old": even_if_old,
    }  # fmt: skip
    run_again(execution, wanted, home=home, as_json=as_json)


@app.command("next")
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


@app.command()
@told
def nodes(
    type: Annotated[str | None, typer.Argument(help="A node type, such as indicator.rsi.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """List the node types, or describe one."""
    from tradeloom.cli.palette import show_nodes

    show_nodes(type, as_json=as_json)


@app.command()
@told
def doctor(home: Home = None, as_json: Json = False) -> None:
    """Look whether everything Tradeloom needs on this machine works."""
    from tradeloom.cli.doctor import examine

    examine(home=home, as_json=as_json)


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.command()
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


@app.command()
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


@app.command()
@told
def executions(
    workflow: Annotated[
        str | None, typer.Argument(help="Only of this workflow: its id or name.", show_default=False)
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only those in this state, such as failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list, the newest first.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List executions, with what each traded and made."""
    from tradeloom.cli.executions import show_executions

    show_executions(workflow, status=status, limit=limit, offset=offset, home=home, as_json=as_json)


@app.command("logs")
@told
def logs_(
    execution: Annotated[
        str | None, typer.Option(help="All about this execution: its orders and nodes, at the bridge too.")
    ] = None,
    request: Annotated[str | None, typer.Option(help="All about this request: the correlation id of an error.")] = None,
    order: Annotated[str | None, typer.Option(help="All about this order.")] = None,
    level: Annotated[Level, typer.Option(help="This severe, or more.")] = Level.DEBUG,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the last ones.")] = 200,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what the machine, its bridge and the nodes logged."""
    from tradeloom.cli.logs import Wanted, show_logs

    wanted = Wanted(execution=execution, request=request, order=order, level=level.value, limit=limit)
    show_logs(wanted, home=home, as_json=as_json)


@app.command()
@told
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Delete it, instead of telling what would be.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Tell what history is older than it is kept, or let go of it."""
    from tradeloom.cli.retention import retain

    retain(apply=apply, home=home, as_json=as_json)


@app.command()
@told
def trades(
    workflow: Annotated[str | None, typer.Option(help="Only what this workflow opened: its id or name.")] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Only of this version; its beginning is enough.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only in this instrument.")] = None,
    since: Annotated[str | None, typer.Option(help="Closed at or after, such as 2026-11-01T12:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Closed at or before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list, the last closed first.")] = 20,
    summary: Annotated[bool, typer.Option("--summary", help="Statistics instead of the trades.")] = False,
    by: Annotated[str, typer.Option(help="Add up by version, workflow or account.")] = "version",
    as_csv: Annotated[bool, typer.Option("--csv", help="All that match as CSV, the first closed first.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List closed trades, or what they add up to."""
    from tradeloom.cli.trades import Wanted, show_trades

    wanted = Wanted(
        workflow=workflow, version=version, account=account, symbol=symbol, since=since, until=until,
        limit=limit, summary=summary, by=by, as_csv=as_csv, as_json=as_json,
    )  # fmt: skip
    show_trades(wanted, home=home)


class Mode(StrEnum):
    PAUSE = "pause"
    REDUCE = "reduce"
    FLATTEN = "flatten"


@app.command()
@told
def accounts(home: Home = None, as_json: Json = False) -> None:
    """Show the accounts, and whether each may trade."""
    from tradeloom.cli.accounts import show

    show(home=home, as_json=as_json)


@app.command()
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


@app.command()
@told
def resume(
    account: Annotated[str, typer.Argument(help="Name of the account.", show_default=False)],
    reason: Why,
    workflow: Annotated[
        str | None, typer.Option(help="Only lift this workflow's throttle.", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let an account trade again, or a workflow that its risk gate throttled, on your word."""
    from tradeloom.cli.accounts import resume as let_it

    let_it(account, workflow=workflow, reason=reason, home=home, as_json=as_json)


class Act(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


@app.command("replay")
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
