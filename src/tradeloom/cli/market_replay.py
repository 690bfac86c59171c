"""`tradeloom replay`: the whole system through a stretch of the market, one of its own or the running Tradeloom's."""

import asyncio
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tradeloom.api.models.market_replays import MarketReplay, StartMarketReplay
from tradeloom.cli.documents import read_document
from tradeloom.cli.moments import moment
from tradeloom.cli.output import Exit, Steps, err, out, say_json, stop
from tradeloom.cli.run import RunOptions, market_data, placed
from tradeloom.cli.running import Running
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.errors import InvalidInput
from tradeloom.local.machine import machine_up
from tradeloom.local.market import ACCOUNT, MarketData
from tradeloom.local.settings import load_settings
from tradeloom.local.storage import TENANT

LOOK_S: Final = 0.2
LONGEST_ID: Final = 64
FASTEST: Final = "max"

Tell = Callable[[MarketReplay], None]


@dataclass(frozen=True)
class ReplayOptions:
    files: tuple[Path, ...]
    data: Path | None
    symbol: str
    timeframe: str
    since: str | None
    until: str | None
    speed: str
    account: str
    keep: Path | None
    home: Path | None
    act: str | None
    as_json: bool


def replay(options: ReplayOptions) -> None:
    if options.act is not None:
        told = Running(options.home).post("accounts", options.account, "replay", options.act, body=_body(options))
        _say(MarketReplay.model_validate(told), as_json=options.as_json)
    elif options.files:
        _finish(_on_its_own(options), as_json=options.as_json)
    else:
        _finish(_on_the_running_one(options), as_json=options.as_json)


def workflow_id(file: Path) -> str:
    """The file's name as an id, which has letters, digits and hyphens only."""
    return re.sub(r"[^A-Za-z0-9]+", "-", file.stem)[:LONGEST_ID].strip("-") or "workflow"


def _on_its_own(options: ReplayOptions) -> MarketReplay:
    """Every workflow of the files active, on a market that begins at `--from` and nothing else sees."""
    drawn = {workflow_id(file): compile_workflow(read_document(file)) for file in options.files}
    if len(drawn) < len(options.files):
        raise InvalidInput("Two of the files have the same name.", field="files", hint="A file's name is its id here.")
    data = _data(options)
    end = _end(options, data)
    wanted = StartMarketReplay(to=end, speed=_speed(options.speed))
    with ExitStack() as stack:
        home = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tl-replay-")))
        settings = load_settings(home=home.absolute()).model_copy(update={"database_url": None})
        tell = stack.enter_context(_Bar(quiet=options.as_json))
        return asyncio.run(_run(settings, data, drawn, wanted, tell, Steps(quiet=options.as_json)))


async def _run(
    settings: Any, data: MarketData, drawn: dict[str, Compiled], wanted: StartMarketReplay, tell: Tell, steps: Steps
) -> MarketReplay:
    async with machine_up(settings, data=data, fresh_market=True, step=steps) as machine:
        for name, compiled in drawn.items():
            await machine.workflows.save(TENANT, name, compiled, None)
            await asyncio.to_thread(machine.workflows.toggle, TENANT, name, True)
        await machine.replays.begin(ACCOUNT, wanted)
        end = asyncio.ensure_future(machine.replays.ended(ACCOUNT))
        while not end.done():
            tell(await machine.replays.read(ACCOUNT))
            await asyncio.wait([end], timeout=LOOK_S)
        return end.result()


def _on_the_running_one(options: ReplayOptions) -> MarketReplay:
    """Begins it and watches; Ctrl-C pauses it, and says how it goes on."""
    if options.until is None:
        raise InvalidInput("Until when?", field="--to", hint="Name a market time, such as --to 2017-07-01T00:00Z.")
    running = Running(options.home)
    wanted = StartMarketReplay(to=moment(options.until, "--to"), speed=_speed(options.speed))
    where = ("accounts", options.account, "replay")
    told = MarketReplay.model_validate(running.post(*where, body=wanted.model_dump(mode="json")))
    with _Bar(quiet=options.as_json) as tell:
        try:
            while told.state in ("running", "paused"):
                tell(told)
                time.sleep(LOOK_S)
                told = MarketReplay.model_validate(running.get(*where))
        except KeyboardInterrupt:
            running.post(*where, "pause", body={})
            err.print("[dim]paused; `tradeloom replay --act resume` goes on, `--act stop` ends it[/]")
            stop(Exit.INTERRUPTED)
    return told


def _finish(told: MarketReplay, *, as_json: bool) -> None:
    _say(told, as_json=as_json)
    if told.state == "failed":
        stop(Exit.FAILED)


def _say(told: MarketReplay, *, as_json: bool) -> None:
    if as_json:
        say_json(told.model_dump(mode="json"))
        return
    state = {"finished": ("finished", "bold green"), "failed": ("failed", "bold red")}.get(told.state, (told.state, ""))
    where = f"  {told.account}, market at {told.now:%Y-%m-%d %H:%M} UTC"
    out.print(Text.assemble(("replay ", "bold"), state, where), soft_wrap=True)
    if told.trouble is not None:
        out.print(Text(f"  {told.trouble}", "red"), soft_wrap=True)
    summary = told.summary
    if summary is None:
        out.print(f"  {told.done:.0%} of the way, {told.executions} executions")
        return
    ends = ", ".join(f"{count} {status}" for status, count in sorted(summary.executions.items())) or "none"
    out.print(f"  executions    {ends}")
    out.print(f"  trades        {summary.trades} closed, {summary.won} won; {summary.open_positions} open")
    out.print(f"  net profit    {summary.net_profit:+.2f} {summary.currency} of closed trades")
    out.print(f"  equity        {summary.equity_change:+.2f} {summary.currency}, open positions included")


class _Bar:
    """`with _Bar(quiet=…) as tell` shows each state it is told as a bar."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[ended]} executions"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=err, transient=True, disable=quiet)
        self._task = self._progress.add_task("", total=1.0, ended=0)

    def __enter__(self) -> Tell:
        return self._tell

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def _tell(self, told: MarketReplay) -> None:
        self._progress.start()
        state = "" if told.state == "running" else f" {told.state}"
        where = f"{told.now:%Y-%m-%d %H:%M}{state}"
        self._progress.update(self._task, completed=told.done, description=where, ended=told.executions)


def _data(options: ReplayOptions) -> MarketData:
    like_run = RunOptions(
        file=options.files[0],
        data=options.data,
        symbol=options.symbol,
        timeframe=options.timeframe,
        at=None,
        find=False,
        test=False,
        trigger=None,
        payload=None,
        keep=None,
        as_json=options.as_json,
    )
    data = market_data(like_run)
    if options.since is None:
        return data.standing()
    return placed(replace(data, start=moment(options.since, "--from")), "--from")


def _end(options: ReplayOptions, data: MarketData) -> datetime:
    """Without a wish, the end of the data."""
    if options.until is not None:
        return moment(options.until, "--to")
    series = data.series()
    return datetime.fromtimestamp(int(series.end_time[-1]), UTC)


def _speed(text: str) -> float:
    if text == FASTEST:
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1e6:
        raise InvalidInput(f"{text!r} is no speed.", field="--speed", hint="Market seconds per second, or max.")
    return speed


def _body(options: ReplayOptions) -> dict[str, Any]:
    return {"speed": _speed(options.speed)} if options.act == "resume" and options.speed != FASTEST else {}
