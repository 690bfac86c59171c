"""`tradeloom debug`: a workflow step by step, on a market of its own or on the Tradeloom that runs."""

import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from tradeloom.api.models.debugging import DebugCommand, StartDebugging
from tradeloom.cli.debug_prompt import Prompt, Session
from tradeloom.cli.documents import read_document
from tradeloom.cli.output import Exit, Steps, err, out, say_json, stop
from tradeloom.cli.run import WORKFLOW, RunOptions, market_data, payload_of, placed
from tradeloom.cli.running import Running
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.errors import TradeloomError
from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.market import MarketData
from tradeloom.local.settings import Settings, load_settings
from tradeloom.local.storage import TENANT


@dataclass(frozen=True)
class DebugOptions:
    """`what` is a document's file, or the id or name of a workflow of the running Tradeloom on `home`."""

    what: str
    run: RunOptions
    breakpoints: tuple[str, ...]
    run_to: str | None
    home: Path | None


def debug(options: DebugOptions) -> None:
    if Path(options.what).is_file() or options.what.endswith(".json"):
        session = _on_its_own(options)
    else:
        session = _on_running(options)
    if options.run.as_json:
        say_json(session)
    if session["execution"]["status"] != "succeeded":
        stop(Exit.FAILED)


def _wanted(options: DebugOptions) -> dict[str, Any]:
    return {
        "trigger": options.run.trigger,
        "payload": payload_of(options.run.payload),
        "breakpoints": list(options.breakpoints),
        "run_to": options.run_to,
        "step": not options.breakpoints and options.run_to is None,
        "wait_s": 20,
    }


# -- a market of its own ----------------------------------------------------------------------------------------


class _Local:
    def __init__(self, machine: Machine, execution_id: str) -> None:
        self._machine = machine
        self._execution_id = execution_id

    def do(self, command: Mapping[str, Any]) -> Session:
        wanted = DebugCommand.model_validate(command)
        told = self._machine.debugging.command(TENANT, TENANT, self._execution_id, wanted)
        return told.model_dump(mode="json")


def _on_its_own(options: DebugOptions) -> Session:
    compiled = compile_workflow(read_document(Path(options.what)))
    data = placed(market_data(options.run))
    steps = Steps(quiet=options.run.as_json)
    with ExitStack() as stack:
        home = options.run.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tl-debug-")))
        settings = load_settings(home=home.absolute()).model_copy(update={"database_url": options.run.database})
        return asyncio.run(_with_machine(options, compiled, settings, data, steps))


async def _with_machine(
    options: DebugOptions, compiled: Compiled, settings: Settings, data: MarketData, steps: Steps
) -> Session:
    async with machine_up(settings, data=data, fresh_market=True, step=steps, schedules=False) as machine:
        await machine.workflows.save(TENANT, WORKFLOW, compiled, None)
        wanted = StartDebugging.model_validate(_wanted(options))
        return await _beside(partial(_locally, machine, wanted, options))


async def _beside[T](work: Callable[[], T]) -> T:
    """As `asyncio.to_thread`, in a thread that does not keep an interrupted process waiting for a line of input."""
    loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        try:
            made = work()
        except BaseException as error:
            loop.call_soon_threadsafe(settle, done.set_exception, error)
        else:
            loop.call_soon_threadsafe(settle, done.set_result, made)

    threading.Thread(target=run, name="prompt", daemon=True).start()
    result: T = await done
    return result


def _locally(machine: Machine, wanted: StartDebugging, options: DebugOptions) -> Session:
    began = machine.debugging.start(TENANT, TENANT, WORKFLOW, wanted).model_dump(mode="json")
    return _prompted(_Local(machine, began["execution"]["id"]), began, options)


# -- the running Tradeloom --------------------------------------------------------------------------------------


class _Remote:
    def __init__(self, running: Running, execution_id: str) -> None:
        self._running = running
        self._execution_id = execution_id

    def do(self, command: Mapping[str, Any]) -> Session:
        told: Session = self._running.post("executions", self._execution_id, "debug", body=command)
        return told


def _on_running(options: DebugOptions) -> Session:
    running = Running(options.home)
    began = running.post("workflows", options.what, "debug", body=_wanted(options))
    return _prompted(_Remote(running, began["execution"]["id"]), began, options)


# -- the prompt -------------------------------------------------------------------------------------------------


def _prompted(door: _Local | _Remote, began: Session, options: DebugOptions) -> Session:
    """Goes through the commands; a session that is left before its end is stopped."""
    by_hand = sys.stdin.isatty()
    console = Console(quiet=True) if options.run.as_json else out
    if by_hand:
        err.print("[dim]`help` lists the commands; an empty session ends by itself after half an hour[/]")
    prompt = Prompt(console, door, began, strict=not by_hand)
    try:
        prompt.run(_lines(by_hand=by_hand))
    except (TradeloomError, KeyboardInterrupt):
        if not prompt.ended:
            door.do({"action": "stop"})
        raise
    return prompt.session


def _lines(*, by_hand: bool) -> Iterator[str]:
    if not by_hand:
        yield from sys.stdin
        return
    while True:
        try:
            yield input("debug> ")
        except EOFError:
            return
