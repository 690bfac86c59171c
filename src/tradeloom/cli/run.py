"""`tradeloom run`: one execution on a market of its own, with nothing else running."""

import asyncio
import json
import tempfile
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tradeloom.api.models.executions import FINISHED, Execute, Execution
from tradeloom.cli.documents import read_document
from tradeloom.cli.moments import moment
from tradeloom.cli.output import Exit, Steps, err, out, say_json, stop
from tradeloom.cli.trace import Trace, as_json, say_end
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.errors import InvalidInput
from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.market import MarketData, bundled_data
from tradeloom.local.scouting import chosen_trigger, find_signal
from tradeloom.local.settings import load_settings
from tradeloom.local.storage import TENANT

WORKFLOW = "wf-run"


@dataclass(frozen=True)
class RunOptions:
    file: Path
    data: Path | None
    symbol: str
    timeframe: str
    at: str | None
    find: bool
    test: bool
    trigger: str | None
    payload: str | None
    keep: Path | None
    as_json: bool
    database: str | None = None


def run_file(options: RunOptions) -> None:
    compiled = compile_workflow(read_document(options.file))
    wanted = Execute(
        test_mode=options.test,
        payload=payload_of(options.payload),
        trigger=options.trigger or chosen_trigger(compiled),
        wait_s=0,
    )
    data = market_data(options)
    steps = Steps(quiet=options.as_json)
    if options.find:
        data = found(compiled, data if data.start is None else placed(data), wanted.trigger, quiet=options.as_json)
    data = placed(data)
    with ExitStack() as stack:
        home = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tl-run-")))
        # A database of its own: it must not take over what runs on the one DATABASE_URL names.
        settings = load_settings(home=home.absolute()).model_copy(update={"database_url": options.database})
        execution = asyncio.run(_run(compiled, wanted, settings, data, steps, quiet=options.as_json))
    if options.as_json:
        say_json(as_json(execution))
    if execution.status != "succeeded":
        stop(Exit.FAILED)


async def _run(
    compiled: Compiled, wanted: Execute, settings: Any, data: MarketData, steps: Steps, *, quiet: bool
) -> Execution:
    async with machine_up(settings, data=data, fresh_market=True, step=steps, schedules=False) as machine:
        return await traced(machine, WORKFLOW, compiled, wanted, quiet=quiet)


async def traced(machine: Machine, workflow_id: str, compiled: Compiled, wanted: Execute, *, quiet: bool) -> Execution:
    """Save the workflow, run it, and tell each node's end as it comes."""
    document = compiled.plan.graph.document
    await machine.workflows.save(TENANT, workflow_id, compiled, None)
    account = document.settings.broker_account
    clock = machine.clocks.get(account)
    if not quiet:
        where = f"  market time {clock.now():%Y-%m-%d %H:%M} UTC" if clock else ""
        out.print(Text.assemble("\n", (document.name, "bold"), f"  account {account}{where}"), soft_wrap=True)
    heard = nullcontext() if quiet else _heard(machine, Trace(out, document))
    with heard:
        begun = await machine.executions.begin(TENANT, TENANT, workflow_id, wanted)
        await machine.engine.result(begun.id, tenant=TENANT)
    execution = await machine.executions.read(TENANT, begun.id)
    assert execution.status in FINISHED
    if not quiet:
        say_end(out, execution)
    return execution


def _heard(machine: Machine, trace: Trace) -> ExitStack:
    stack = ExitStack()
    stack.callback(machine.engine.subscribe(trace.hear))
    return stack


def found(compiled: Compiled, data: MarketData, trigger: str | None, *, quiet: bool) -> MarketData:
    """The data, standing at the first bar on which the workflow would send an order."""
    if quiet:
        return replace(data, start=find_signal(compiled, data, trigger=trigger))
    columns = (
        TextColumn("looking for a signal"),
        BarColumn(),
        TextColumn("{task.completed} bars"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=None)
        signal = find_signal(
            compiled, data, trigger=trigger, progress=lambda done, of: progress.update(task, completed=done, total=of)
        )
    err.print(f"[green]✓[/] a signal at {signal:%Y-%m-%d %H:%M} UTC")
    return replace(data, start=signal)


def market_data(options: RunOptions) -> MarketData:
    """The bars asked for, standing where asked. Raises `InvalidInput` naming the option."""
    at = moment(options.at, "--at") if options.at is not None else None
    if options.data is None:
        bundled = bundled_data()
        if (options.symbol, options.timeframe) != (bundled.symbol, bundled.timeframe):
            raise InvalidInput(
                f"Without --data there is {bundled.symbol} {bundled.timeframe} only.",
                field="--data",
                hint="Name a file of bars with --data.",
            )
        return replace(bundled, start=at)
    return MarketData(options.data.absolute(), options.symbol, options.timeframe, start=at)


def placed(data: MarketData, field: str = "--at") -> MarketData:
    """Where the market stands; without a wish at the last bar's opening, so that the whole file is history."""
    series = data.series()
    if data.start is None:
        return replace(data, start=datetime.fromtimestamp(int(series.open_time[-1]), UTC))
    first, end = (datetime.fromtimestamp(int(second), UTC) for second in (series.open_time[0], series.end_time[-1]))
    if not first <= data.start < end:
        raise InvalidInput(
            f"{data.start:%Y-%m-%d %H:%M} lies outside the data.",
            field=field,
            hint=f"{data.csv.name} goes from {first:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}.",
        )
    return data


def payload_of(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The payload is not JSON: {error}.", field="--payload") from error
    if not isinstance(value, dict):
        raise InvalidInput("The payload is a JSON object.", field="--payload", hint='Such as {"reason": "by hand"}.')
    return value
