"""`tradeloom up` and `tradeloom demo`: serve everything until somebody says stop."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from rich.text import Text

from tradeloom.api.models.executions import Execute, Execution
from tradeloom.cli.documents import read_document
from tradeloom.cli.output import Exit, Steps, out, say_json, stop
from tradeloom.cli.run import found, traced
from tradeloom.cli.trace import as_json as execution_json
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.errors import NotFound
from tradeloom.local.draining import drained
from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.market import ACCOUNT, bundled_data
from tradeloom.local.places import examples_folder
from tradeloom.local.serve import Port, Served, serving
from tradeloom.local.settings import Settings, load_settings
from tradeloom.local.storage import TENANT

DEMO: Final = "rsi_dip_buyer"


def serve(*, port: int | None, home: Path | None, speed: float, demo: bool, once: bool = False, as_json: bool) -> None:
    settings = load_settings(port=port, home=home)
    steps = Steps(quiet=as_json)
    if demo:
        if home is None:  # the demo's market begins anew each time: never the one somebody trades on
            settings = settings.model_copy(update={"home": settings.home.with_name(f"{settings.home.name}-demo")})
        execution = asyncio.run(_demo(settings, steps, once=once, as_json=as_json))
        if once and execution.status != "succeeded":
            stop(Exit.FAILED)
    else:
        asyncio.run(_up(settings, steps, speed=speed, as_json=as_json))


async def _up(settings: Settings, steps: Steps, *, speed: float, as_json: bool) -> None:
    stopped, hurry = _on_signals()
    with Port(settings) as port:
        async with machine_up(settings, step=steps, opened=port.take) as machine:
            await _set_speed(machine, speed)
            async with serving(machine, port) as served:
                _announce(machine, served, as_json=as_json)
                await stopped.wait()
                await drained(machine, within_s=settings.drain_s, hurry=hurry)


async def _demo(settings: Settings, steps: Steps, *, once: bool, as_json: bool) -> Execution:
    """Trade the dip buyer on the bar where it would, on a market that starts anew there."""
    stopped, hurry = _on_signals()
    examples = {file.stem: compile_workflow(read_document(file)) for file in sorted(examples_folder().glob("*.json"))}
    if DEMO not in examples:
        raise NotFound(f"The example {DEMO}.json is not in {examples_folder()}.")
    compiled = examples[DEMO]
    data = await asyncio.to_thread(found, compiled, bundled_data(), None, quiet=as_json)
    async with AsyncExitStack() as stack:
        port = stack.enter_context(Port(settings))
        opened = (lambda: None) if once else port.take
        up = machine_up(settings, data=data, fresh_market=True, step=steps, opened=opened)
        machine = await stack.enter_async_context(up)
        await _import(machine, examples, as_json=as_json)
        execution = await traced(machine, _id(DEMO), compiled, Execute(), quiet=as_json)
        if not once:
            served = await stack.enter_async_context(serving(machine, port))
            _announce(machine, served, as_json=as_json, execution=execution)
            await stopped.wait()
            await drained(machine, within_s=settings.drain_s, hurry=hurry)
        elif as_json:
            say_json(execution_json(execution))
    return execution


async def _import(machine: Machine, examples: dict[str, Compiled], *, as_json: bool) -> None:
    for name, compiled in examples.items():
        await machine.workflows.save(TENANT, _id(name), compiled, None)
    if not as_json:
        out.print(f"[green]✓[/] {len(examples)} example workflows imported")


def _id(example: str) -> str:
    """The same for the same example, so that importing again makes no second one."""
    return f"example-{example.replace('_', '-')}"


async def _set_speed(machine: Machine, speed: float) -> None:
    client = machine.market.client
    assert client is not None
    await asyncio.to_thread(client.account(ACCOUNT).set_speed, speed)
    await machine.clocks[ACCOUNT].read()


def _on_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """The first is set by Ctrl-C or a polite kill, the second by the next one: then nothing is waited for. A third goes
    through."""
    stopped, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        if stopped.is_set():
            hurry.set()
            loop.remove_signal_handler(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told, number)
    return stopped, hurry


def _announce(machine: Machine, served: Served, *, as_json: bool, execution: Execution | None = None) -> None:
    """Where to reach it. The token is printed when it is made, and stays in the data directory."""
    if as_json:
        told = {
            "address": served.address,
            "page": served.page,
            "api": f"{served.address}api/agentic",
            "home": str(machine.home.root),
        }
        say_json(told | ({"execution": execution_json(execution)} if execution is not None else {}))
        return
    clock = machine.clocks[ACCOUNT]
    stands = "standing" if clock.speed == 0 else f"running at {clock.speed:g}×"
    out.print()
    out.print(Text.assemble(("Tradeloom is up", "bold green"), f"  market {clock.now():%Y-%m-%d %H:%M} UTC, {stands}"))
    if machine.resumed:
        out.print(f"  resumed {len(machine.resumed)} executions")
    token = machine.home.root / "token"
    rows = {
        "page": served.page if served.new_token else served.address,
        "API": f"{served.address}api/agentic/openapi.json",
        "token": f"in the page's address, this once; kept in {token}" if served.new_token else f"kept in {token}",
        "data": str(machine.home.root),
    }
    for name, value in rows.items():
        out.print(Text.assemble((f"  {name:<6}", "dim"), value), soft_wrap=True)
    out.print("[dim]  Ctrl-C stops it[/]")
